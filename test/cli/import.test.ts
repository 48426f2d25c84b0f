// retrograd import: a GPT-2 of another program becomes a run, which learns on, writes and leaves.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hfTensors, llmCFile, nanoTensors, safetensorsFile } from '../helpers/foreign-files.ts';
import { NONE, PLANTED, syntheticGpt2 } from '../helpers/synthetic-gpt2.ts';
import { events, retrograd, TRAIN, textOf, workspace } from './command.ts';

let cwd: string;
let remove: () => void;
const SHAPE = { vocab_size: 256, n_positions: 16, n_layer: 2, n_head: 2, n_embd: 128 };
const SMALL = { vocab_size: 256, n_positions: 8, n_layer: 1, n_head: 2, n_embd: 8 };

/** Queries and keys of which neither can give room to the other. */
function wideQueries() {
  const tensors = syntheticGpt2(SHAPE, NONE);
  const values = tensors.find(({ name }) => name === 'h.1.attn.c_attn.weight')?.values as number[];
  for (let i = 0; i < values.length; i++) if (i % 384 < 256) values[i] *= 150;
  return tensors;
}

beforeAll(() => {
  ({ path: cwd, remove } = workspace());
  const files: Record<string, Uint8Array | string> = {
    'gpt2/model.safetensors': safetensorsFile(syntheticGpt2(SHAPE, PLANTED)),
    'gpt2/config.json': JSON.stringify({ model_type: 'gpt2', ...SHAPE }),
    'nano.safetensors': safetensorsFile(nanoTensors(SMALL, false)),
    'wide.safetensors': safetensorsFile(wideQueries()),
    'model.bin': llmCFile(SMALL, nanoTensors(SMALL), 256),
    'pickle/pytorch_model.bin': 'x',
    'broken/model.safetensors': safetensorsFile(hfTensors(nanoTensors(SMALL))).subarray(0, -4),
    'other/model.safetensors': safetensorsFile(nanoTensors({ ...SMALL, vocab_size: 300 })),
    'other/config.json': '{"n_head": 2}',
  };
  for (const folder of ['gpt2', 'pickle', 'broken', 'other']) mkdirSync(join(cwd, folder));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(cwd, name), content);
  writeFileSync(join(cwd, 'text.txt'), textOf(1500));
});
afterAll(() => remove());

describe('retrograd import', () => {
  test('a directory of Hugging Face with massive activations: 0 saturated; it learns on', () => {
    const words = ['import', 'gpt2', '--text', 'text.txt', '--out', 'base'];
    const [report] = events(words, { cwd });
    expect(report).toMatchObject({ event: 'imported', out: 'base', saturated: 0 });
    expect(report.residual).toBeGreaterThan(0);
    expect(report.outliers).toBeGreaterThan(1);
    const [before] = events(['inspect', 'base'], { cwd });
    expect(before).toMatchObject({ step: 0, weightsSha256: report.weightsSha256 });
    expect(before.options).toMatchObject({ reversible: 'checkpointing', fractionBits: 14 });
    const { norms, outliers, residual } = before.formats;
    const { stdout } = retrograd(['inspect', 'base'], { cwd });
    expect(stdout).toContain(`residual stream         2^-${residual} of its values\n`);
    [0, 1].forEach((k) => {
      const [attention, mlp] = norms[k].map((wide: number) => `±${16 * 2 ** wide}`);
      const rows = outliers[k].map(([, row]: number[]) => row);
      const argument = 1024 * 2 ** Math.max(...rows);
      const cells = [
        `block ${k}`,
        attention,
        mlp,
        rows.length,
        `±${argument.toLocaleString('en')}`,
      ];
      expect(stdout).toMatch(new RegExp(`^${cells.join(' +')}$`, 'm'));
    });
    expect(stdout).not.toContain('[object');
    const train = ['train', 'gpt', '--init', 'base', '--text', 'text.txt', '--steps', '2'];
    const more = ['--batch', '2', '--learning-rate', '0.00001', '--out', 'fine'];
    const done = events([...train, ...more], { cwd }).at(-1);
    expect(done).toMatchObject({ event: 'done' });
    const resumed = events(['train', 'gpt', '--resume', 'fine', '--steps', '3'], { cwd });
    expect(resumed.at(-1)).toMatchObject({ event: 'done' });
    expect(retrograd(['sample', 'fine', '--length', '4'], { cwd }).code).toBe(0);
    expect(retrograd(['export', 'fine', '--to', 'hf', '--out', 'left'], { cwd }).code).toBe(0);
    expect(events(['import', 'left', '--out', 'again'], { cwd })[0].saturated).toBe(0);
  });

  test('what train wrote and export left comes back with the same digest', () => {
    for (const kind of ['bytes', 'characters']) {
      events([...TRAIN, '--vocabulary', kind, '--steps', '3', '--out', kind], { cwd });
      const [{ weightsSha256, vocabulary }] = events(['inspect', kind], { cwd });
      const exported = retrograd(['export', kind, '--to', 'hf', '--out', `${kind}-hf`], { cwd });
      expect(exported.code).toBe(0);
      const back = events(['import', `${kind}-hf`, '--out', `${kind}-back`], { cwd })[0];
      expect(back.weightsSha256).toBe(weightsSha256);
      expect(events(['inspect', `${kind}-back`], { cwd })[0].vocabulary).toEqual(vocabulary);
    }
  });

  test('nanoGPT in one file, and llm.c', () => {
    const nano = ['import', 'nano.safetensors', '--heads', '2', '--out', 'nano'];
    expect(events(nano, { cwd })[0]).toMatchObject({ saturated: 0 });
    expect(events(['import', 'model.bin', '--out', 'llmc'], { cwd })[0]).toMatchObject({
      saturated: 0,
    });
  });

  test('says in words what it found and how to go on', () => {
    const { code, stdout } = retrograd(['import', 'model.bin', '--out', 'words'], { cwd });
    expect(code).toBe(0);
    expect(stdout).toMatch(/saturated +0\n[\s\S]*SHA-256 of the weights:\n[0-9a-f]{64}\n/);
    expect(stdout).toMatch(/to learn on: .*train gpt --init words --text FILE/);
  });

  test.each<[string, string[], number, RegExp]>([
    ['no --out', ['nano.safetensors'], 2, /--out is missing/],
    ['no heads', ['nano.safetensors', '--out', 'x'], 2, /no n_head/],
    [
      'no weights',
      ['nothing', '--out', 'x'],
      2,
      /'?nothing'? does not exist|nothing.*expected weights/,
    ],
    ['a pickle', ['pickle', '--out', 'x'], 2, /pickles .* save as safetensors/],
    [
      'queries and keys beyond +-16',
      ['wide.safetensors', '--heads', '2', '--out', 'x'],
      1,
      /\d+ channels of block\.1\.query leave their range, and 1 other places/,
    ],
    ['a truncated file', ['broken', '--out', 'x'], 1, /broken.*truncated/],
    ['no tokenizer', ['other', '--out', 'x'], 2, /no tokenizer beside the weights, which have 300/],
    [
      'a configuration that is none',
      ['gpt2', '--config', 'text.txt', '--out', 'x'],
      2,
      /is not JSON/,
    ],
  ])('refuses %s and writes nothing', (_, words, code, message) => {
    const outcome = retrograd(['import', ...words], { cwd });
    expect(outcome.stderr).toMatch(message);
    expect(outcome.code).toBe(code);
    expect(existsSync(join(cwd, 'x'))).toBe(false);
  });

  test('does not overwrite a run', () => {
    const words = ['import', 'model.bin', '--out', 'taken'];
    events(words, { cwd });
    const { code, stderr } = retrograd(words, { cwd });
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/expected a directory without a run/),
    ]);
  });
});
