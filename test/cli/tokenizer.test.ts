// `train gpt --tokenizer`: learned or read, kept by the checkpoint, used by every command.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Tokenizer as HuggingFace } from '@huggingface/tokenizers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { printable } from '../../src/cli/printable.ts';
import { Tokenizer } from '../../src/tokenizer/index.ts';
import { events, retrograd, TINY, workspace } from './command.ts';

let cwd: string;
let remove: () => void;
const SENTENCE =
  'The quick brown fox jumps over the lazy dog; caf\u00e9s don\u2019t mind \u{1f98a}. ';
const TEXT = Array.from({ length: 60 }, (_, i) => `${SENTENCE}${i}\n`).join('');
/** What --tokenizer bpe:300 learns: of the first nine tenths of the bytes. */
const bytes = new TextEncoder().encode(TEXT);
const learned = Tokenizer.train(bytes.subarray(0, Math.floor(0.9 * bytes.length)), { size: 300 });
const train = (...words: string[]): string[] => [
  'train',
  'gpt',
  '--text',
  'text.txt',
  ...TINY,
  ...words,
];
const digest = (words: string[]): unknown => events(words, { cwd }).at(-1)?.weightsSha256;

beforeAll(() => {
  ({ path: cwd, remove } = workspace());
  writeFileSync(join(cwd, 'text.txt'), TEXT);
  writeFileSync(join(cwd, 'tokenizer.json'), JSON.stringify(learned.toJson()));
  for (const [folder, files] of Object.entries({
    whole: { 'tokenizer.json': JSON.stringify(learned.toJson()) },
    two: learned.toFiles(),
    none: { 'vocab.json': '{}' },
  })) {
    mkdirSync(join(cwd, folder));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, folder, name), text);
  }
  events(train('--tokenizer', 'bpe:300', '--steps', '4', '--stop-at', '2', '--out', 'run'), {
    cwd,
  });
});
afterAll(() => remove());

describe('a tokenizer', () => {
  test('learned, from a file and from both kinds of directories: the same weights', () => {
    const weights = ['bpe:300', 'tokenizer.json', 'whole', 'two', './two/'].map((word) =>
      digest(train('--tokenizer', word, '--steps', '2')),
    );
    expect(weights[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(new Set(weights).size).toBe(1);
    expect(digest(train('--steps', '2'))).not.toBe(weights[0]);
  });

  test('is in the checkpoint, as tokenizer.json and with what was asked for', () => {
    const [{ vocabulary, options }] = events(['inspect', 'run'], { cwd });
    expect(vocabulary).toEqual({ kind: 'tokenizer', learned: 300, tokenizer: learned.toJson() });
    expect(options.model.vocabulary).toBe(learned.size);
    expect(retrograd(['inspect', 'run'], { cwd }).stdout).toMatch(
      new RegExp(`^vocabulary +${learned.size} tokens of byte-level BPE$`, 'm'),
    );
  });

  test('goes on from the checkpoint, with the same one given again or none', () => {
    const whole = digest(train('--tokenizer', 'bpe:300', '--steps', '4'));
    expect(digest(train('--resume', 'run', '--tokenizer', 'bpe:300', '--out', 'again'))).toBe(
      whole,
    );
    expect(digest(train('--resume', 'run', '--out', 'more'))).toBe(whole);
    for (const word of ['bpe:301', 'tokenizer.json'])
      expect(retrograd(train('--resume', 'run', '--tokenizer', word), { cwd }).stderr).toBe(
        `retrograd: --tokenizer is ${word} (checkpoint: bpe:300), expected the checkpoint's. ` +
          'HINT: leave them out: a resumed run has its options from the checkpoint\n',
      );
  });

  test('of a file is known again by what it says, not by its name', () => {
    const words = ['--tokenizer', 'whole', '--steps', '4', '--stop-at', '2', '--out', 'read'];
    events(train(...words), { cwd });
    expect(digest(train('--resume', 'read', '--tokenizer', 'two', '--out', 'read-on'))).toBe(
      digest(train('--tokenizer', 'bpe:300', '--steps', '4')),
    );
    const other = Tokenizer.train(TEXT, { size: 290 });
    writeFileSync(join(cwd, 'other.json'), JSON.stringify(other.toJson()));
    const refused = retrograd(train('--resume', 'read', '--tokenizer', 'other.json'), { cwd });
    expect(refused.stderr).toMatch(
      /--tokenizer is other\.json \(checkpoint: another of \d+ tokens\)/,
    );
    const kinds = retrograd(train('--resume', 'read', '--vocabulary', 'bytes'), { cwd });
    expect(kinds.stderr).toMatch(/--vocabulary is bytes \(checkpoint: tokenizer\)/);
  });

  test('comes with the weights of --init, for another text', () => {
    writeFileSync(join(cwd, 'new.txt'), 'Zwölf große Boxkämpfer jagen Viktor. '.repeat(60));
    const words = ['train', 'gpt', '--text', 'new.txt', '--init', 'run', '--steps', '1'];
    events([...words, '--out', 'fine'], { cwd });
    const [{ vocabulary }] = events(['inspect', 'fine'], { cwd });
    expect(vocabulary.tokenizer).toEqual(learned.toJson());
    expect(retrograd([...words, '--tokenizer', 'bpe:400'], { cwd }).stderr).toMatch(
      /--tokenizer is bpe:400 \(checkpoint: bpe:300\)/,
    );
  });

  test('leaves with the model, and comes back from there', () => {
    events(train('--tokenizer', 'bpe:300', '--steps', '1', '--out', 'leaving'), { cwd });
    events(['export', 'leaving', '--to', 'hf', '--out', 'left'], { cwd });
    const json = JSON.parse(readFileSync(join(cwd, 'left/tokenizer.json'), 'utf8'));
    expect(new HuggingFace(json, {}).encode(TEXT).ids).toEqual([...learned.encode(TEXT)]);
    expect(digest(train('--tokenizer', 'left', '--steps', '2'))).toBe(
      digest(train('--tokenizer', 'bpe:300', '--steps', '2')),
    );
  });

  test('writes the text of all tokens at once, piece by piece', () => {
    for (const seed of ['1', '2', '3']) {
      const words = ['sample', 'run', '--length', '120', '--seed', seed, '--temperature', '1.5'];
      const [{ text }] = events([...words, '--prompt', 'The \u{1f98a}'], { cwd });
      expect(retrograd([...words, '--prompt', 'The \u{1f98a}'], { cwd }).stdout).toBe(
        `The \u{1f98a}${printable(text)}\n`,
      );
    }
  });

  test('eval judges any text and says the bits a byte of its tokens', () => {
    writeFileSync(join(cwd, 'other.txt'), 'Jackdaws love my big sphinx of quartz! '.repeat(9));
    const [judged] = events(['eval', 'run', '--text', 'other.txt'], { cwd });
    const ids = learned.encode('Jackdaws love my big sphinx of quartz! '.repeat(9));
    const targets = ids.subarray(1, judged.tokens + 1);
    const size = new TextEncoder().encode(learned.decode(targets)).length;
    expect(judged.bitsPerByte).toBeCloseTo((judged.loss * judged.tokens) / Math.LN2 / size, 12);
    expect(retrograd(['eval', 'run', '--text', 'other.txt'], { cwd }).stdout).toMatch(
      /^per byte +\d+\.\d{4} bits/m,
    );
  });

  test('plan knows its size: of the text, or as asked for', () => {
    const plan = (...words: string[]) => events(['plan', 'gpt', ...TINY, ...words], { cwd })[0];
    const size = (more: number): number =>
      plan('--vocabulary-size', String(more)).parameters as number;
    expect(plan('--tokenizer', 'bpe:400').parameters).toBe(size(400));
    expect(plan('--tokenizer', 'whole').parameters).toBe(size(learned.size));
    expect(plan('--tokenizer', 'bpe:300', '--text', 'text.txt').parameters).toBe(
      size(learned.size),
    );
  });

  test.each([
    ['bpe:', /N of --tokenizer bpe:N is '', expected a number/],
    ['bpe:256', /N of --tokenizer bpe:N is '256', expected a whole number from 257 to 65536/],
    ['bpe:65537', /expected a whole number from 257 to 65536/],
    ['', /--tokenizer is '', expected bpe:N or a file. HINT: for instance bpe:4096/],
    ['missing.json', /tokenizer 'missing\.json' does not exist, expected a readable file/],
    ['text.txt', /tokenizer 'text\.txt' is not JSON, expected a JSON object/],
    ['two/vocab.json', /^retrograd: model of tokenizer 'two\/vocab\.json' is undefined/],
    ['none', /tokenizer 'none' has no tokenizer\.json, nor vocab\.json with merges\.txt/],
  ])('%j is refused', (word, reason) => {
    const { code, stderr } = retrograd(train('--tokenizer', word), { cwd });
    expect(stderr).toMatch(reason);
    expect(stderr.trim().split('\n').length).toBe(1);
    expect(code).toBe(2);
  });

  test('is one of two ways to say it', () => {
    const both = train('--tokenizer', 'bpe:300', '--vocabulary', 'bytes');
    expect(retrograd(both, { cwd }).stderr).toMatch(
      /--tokenizer and --vocabulary are given, expected one of them/,
    );
    const words = ['plan', 'gpt', '--tokenizer', 'bpe:300', '--vocabulary-size', '300'];
    expect(retrograd(words, { cwd }).stderr).toMatch(/--tokenizer and --vocabulary-size are given/);
  });

  test('a text that is no UTF-8 is refused by its name, before anything is learned', () => {
    writeFileSync(join(cwd, 'latin1.txt'), Buffer.from([0x61, 0xe9, 0x62]));
    const words = ['train', 'gpt', '--text', 'latin1.txt', '--tokenizer', 'bpe:300'];
    expect(retrograd(words, { cwd }).stderr).toMatch(
      /^retrograd: text 'latin1\.txt' is not UTF-8: byte 0xe9 at offset 1/,
    );
  });
});
