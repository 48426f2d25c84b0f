// The program of docs/import.md runs as it stands, on a model as another program has it.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { safetensorsFile } from '../helpers/foreign-files.ts';
import { PLANTED, syntheticGpt2 } from '../helpers/synthetic-gpt2.ts';

const root = join(import.meta.dirname, '../..');
const SHAPE = { vocab_size: 96, n_positions: 64, n_layer: 2, n_head: 2, n_embd: 128 };

test('the program of docs/import.md runs on a model with outliers: 0 saturated', () => {
  const page = readFileSync(join(root, 'docs/import.md'), 'utf8');
  const [, code] = /```js\n([\s\S]*?)```/.exec(page) as RegExpExecArray;
  const folder = mkdtempSync(join(tmpdir(), 'retrograd-import-page-'));
  try {
    mkdirSync(join(folder, 'gpt2'));
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(root, join(folder, 'node_modules/retrograd'), 'junction');
    const file = safetensorsFile(syntheticGpt2(SHAPE, PLANTED));
    writeFileSync(join(folder, 'gpt2/model.safetensors'), file);
    writeFileSync(
      join(folder, 'gpt2/config.json'),
      JSON.stringify({ model_type: 'gpt2', ...SHAPE }),
    );
    writeFileSync(join(folder, 'page.mjs'), code);
    const options = { cwd: folder, encoding: 'utf8' } as const;
    const { stdout, stderr } = spawnSync(process.execPath, ['page.mjs'], options);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/'block\.1\.mlp': 0,[\s\S]*norm: 0\n\}\n96\n$/);
    expect(stdout).not.toMatch(/: [1-9]/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
