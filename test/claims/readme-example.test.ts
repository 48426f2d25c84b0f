// README: "It prints this, on every machine". The first JavaScript block of the README is run as it
// stands, by Node, against the built package under its own name, and prints exactly the block that
// follows it.

import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const blocks = [
  ...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm),
].map(([, language, text]) => ({ language, text }));
const example = blocks.findIndex(({ language }) => language === 'js');

test('the example of the README prints what the README says, its SHA-256 included', () => {
  const { language, text: expected } = blocks[example + 1];
  const { text: code } = blocks[example];
  expect(language).toBe('text');
  expect(code).toContain("import { cosine, gpt, Trainer } from 'retrograd';");
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '--eval', code],
    { cwd: root, encoding: 'utf8' },
  );
  expect({ status, stderr: stderr.slice(-300) }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toBe(expected);
  expect(stdout).toMatch(/\d+ states rebuilt, 0 elements differ\nweights: SHA-256 [0-9a-f]{64}\n$/);
});

test('the example has at most 15 lines', () => {
  expect(blocks[example].text.trim().split('\n').length).toBeLessThanOrEqual(15);
});

test('the example from text to text trains, saves, loads and writes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'retrograd-readme-'));
  try {
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(root, join(folder, 'node_modules/retrograd'), 'junction');
    writeFileSync(join(folder, 'input.txt'), 'she sells sea shells by the sea shore. '.repeat(60));
    copyFileSync(join(root, 'docs/examples/node/story.mjs'), join(folder, 'story.mjs'));
    const { status, stdout, stderr } = spawnSync(process.execPath, ['story.mjs'], {
      cwd: folder,
      encoding: 'utf8',
    });
    expect({ status, stderr: stderr.slice(-300) }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^(step \d+: loss \d\.\d{4}\n){3}she sells [a-z. ]{74}\n$/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('the model of the README trains', () => {
  const model = blocks.filter(({ language }) => language === 'js').at(-1)?.text ?? '';
  expect(model).toContain('export default defineModel(');
  const code = `${model.replace('export default', 'const model =')}
import { Trainer } from 'retrograd';
const config = { vocabulary: 8, context: 4, depth: 3, channels: 8 };
const trainer = Trainer.create({ model: model(config), batch: 1, steps: 40, learningRate: 0.02 });
const batch = { inputs: Int32Array.of(1, 2, 3, 4), targets: Int32Array.of(2, 3, 4, 5) };
while (trainer.steps < 40) trainer.step(batch);
console.log(trainer.evaluate(batch).loss < 0.5, trainer.totals.checkedStates);`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', code], {
    cwd: root,
    encoding: 'utf8',
  });
  expect(stderr.slice(-300)).toBe('');
  expect(stdout).toBe('true 80\n');
});
