// retrograd compress, decompress and test: from samples to a model, from files to an archive and
// back, and what each refuses.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { trainMessages } from '../../src/codec/index.ts';
import { events, expectRefusal, retrograd, workspace } from './command.ts';

let cwd: string;
let remove: () => void;
const file = (...names: string[]): string => join(cwd, ...names);
const LINES = Array.from({ length: 40 }, (_, i) => `{"id":${i},"name":"bob"}`);
const SMALL = { layers: 1, channels: 16, heads: 2, context: 32, steps: 40, batch: 4 };
const WORDS = Object.entries({ ...SMALL, 'learning-rate': 0.02 }).flatMap(([name, value]) => [
  `--${name}`,
  String(value),
]);

beforeAll(() => {
  ({ path: cwd, remove } = workspace());
  writeFileSync(file('rows.jsonl'), `${LINES.join('\r\n')}\n\n`);
  mkdirSync(file('files', 'deep'), { recursive: true });
  writeFileSync(file('files', 'a.json'), LINES.slice(0, 9).join());
  writeFileSync(file('files', 'deep', 'b.json'), LINES[3]);
  events(['compress', '--train', 'rows.jsonl', ...WORDS, '-o', 'm.rgm'], { cwd });
});
afterAll(() => remove());

describe('--train', () => {
  test('makes the model of the function, a message a line', async () => {
    const samples = LINES.map((line) => new TextEncoder().encode(line));
    const model = await trainMessages(samples, { ...SMALL, learningRate: 0.02 });
    expect(Buffer.compare(readFileSync(file('m.rgm')), model)).toBe(0);
  });

  test('tells its steps, and what came of it', () => {
    const words = ['compress', '--train', 'files', ...WORDS, '-o', 'f.rgm'];
    const { code, stdout } = retrograd(words, { cwd });
    expect(code).toBe(0);
    expect(stdout).toMatch(/step 40 of 40: \d\.\d{3} bits a byte/);
    expect(stdout).toMatch(/f\.rgm: [\d,]+ weights in .* trained on 2 messages/);
    expect(stdout).toContain('--model f.rgm');
  });
});

describe('archives', () => {
  test.each([
    ['coded', ['--model', 'm.rgm']],
    ['stored', []],
  ])('%s: what goes in comes out', (name, model) => {
    const [made] = events(['compress', 'files', ...model, '-o', `${name}.rga`], {
      cwd,
    });
    expect(made).toMatchObject({ event: 'compress', files: 2 });
    expect(made.model).toHaveLength(name === 'coded' ? 64 : 0);
    const told = events(['test', `${name}.rga`, ...model], { cwd });
    expect(told.map((event) => event.name)).toEqual(['a.json', 'deep/b.json', undefined]);
    expect(told.at(-1)).toMatchObject({ event: 'test', files: 2, bytes: made.bytes });
    const words = ['decompress', `${name}.rga`, ...model, '-o', name];
    const { code, stdout } = retrograd(words, { cwd });
    expect([code, stdout.includes('2 files')]).toEqual([0, true]);
    for (const one of ['a.json', 'deep/b.json'])
      expect(readFileSync(file(name, one))).toEqual(readFileSync(file('files', one)));
    expectRefusal(words, cwd, /exists, nothing was written/);
  });

  test('a damaged one writes nothing and exits with 1', () => {
    events(['compress', 'files', '-o', 'd.rga'], { cwd });
    const bytes = readFileSync(file('d.rga'));
    bytes[bytes.length - 20] ^= 1;
    writeFileSync(file('d.rga'), bytes);
    for (const words of [
      ['test', 'd.rga'],
      ['decompress', 'd.rga', '-o', 'none'],
    ]) {
      const { code, stderr } = retrograd(words, { cwd });
      expect(code).toBe(1);
      expect(stderr).toMatch(/^retrograd: 'd.rga': .*CRC/);
    }
    expect(existsSync(file('none'))).toBe(false);
  });

  test('one without its model says which, and how to give it', () => {
    events(['compress', 'files', '--model', 'm.rgm', '-o', 'e.rga'], { cwd });
    const { code, stderr } = retrograd(['test', 'e.rga'], { cwd });
    expect(code).toBe(1);
    expect(stderr).toMatch(/needs model [\da-f]{64}.*HINT: give it by --model/);
    const limit = retrograd(['test', 'e.rga', '-m', 'm.rgm', '--max-output', '10'], { cwd });
    expect(limit.code).toBe(1);
    expect(limit.stderr).toMatch(/10 are allowed.*--max-output/);
  });
});

test.each([
  [['compress', 'files'], /--out is missing/],
  [['compress', 'files', '-o', 'm.rgm'], /--out 'm.rgm' exists/],
  [['compress', 'nowhere', '-o', 'n.rga'], /file 'nowhere'/],
  [['compress', 'files', '-o', 'n.rga', '--model', 'nowhere'], /model 'nowhere'/],
  [['compress', '--train', 'files', '-o', 'n.rgm', '--model', 'm.rgm'], /--model and --train/],
  [['compress', '--train', 'files', '-o', 'n.rgm', '--bits', '9'], /--bits is '9'/],
  [['decompress', 'x.rga'], /--out is missing/],
  [['decompress', 'nowhere', '-o', 'n'], /archive 'nowhere'/],
])('retrograd %j is refused', (words, message) => {
  expectRefusal(words, cwd, message);
});
