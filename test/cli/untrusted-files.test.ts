// Paths that lead to what is no good file: endless, compressed a thousand times, special, or full
// of control sequences. Each command must end soon, in little memory, with one line that says why.

import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync, gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { gpt, Trainer, UsageError, Vocabulary } from '../../src/cli/library.ts';
import { MAX_PNG_BYTES, readPng } from '../../src/cli/png.ts';
import { printable, printableJson, printableLine } from '../../src/cli/printable.ts';
import { gunzipBounded, readBounded, TooLarge } from '../../src/cli/read.ts';
import { encodeCheckpoint } from '../../src/index.ts';
import { CLI, retrograd, TINY, workspace } from './command.ts';
import { chunk, pngOf } from './png-files.ts';

const { path, remove } = workspace();
afterAll(remove);
const at = (name: string): string => join(path, name);

/** Prints the most memory that a process had, in MiB, when it ends. */
const WATCH = `data:text/javascript,${encodeURIComponent(
  'const most = () => Math.round(process.resourceUsage().maxRSS / 1024);' +
    'process.on("exit", () => process.stderr.write(`\\nMiB ${most()}`))',
)}`;

/** Runs a command that must be refused: its line, and the MiB that it took. */
function refusal(...words: string[]): { line: string; mebibytes: number; seconds: number } {
  const begun = performance.now();
  const { code, stderr } = retrograd(words, {
    cwd: path,
    env: { NODE_OPTIONS: `--import=${WATCH}` },
  });
  const [line, mebibytes] = stderr.split('\nMiB ');
  expect(code, stderr).toBe(2);
  expect(line.trimEnd().split('\n').length).toBe(1);
  return { line, mebibytes: Number(mebibytes), seconds: (performance.now() - begun) / 1000 };
}
const train = ['train', 'gpt', ...TINY, '--text'];
const translate = ['train', 'translate', ...TINY, '--pairs'];

/** A gzip file of so many times 32 MiB: 32 kB each. */
function bomb(name: string, parts: number, text = '\0'): void {
  const part = gzipSync(Buffer.alloc(2 ** 25, text));
  writeFileSync(at(name), Buffer.concat(Array<Uint8Array>(parts).fill(part)));
}

describe('files that never end or grow a thousandfold', () => {
  test('a gzip file of a gigabyte as pairs', () => {
    bomb('bomb.gz', 32);
    const { line, mebibytes } = refusal(...translate, 'bomb.gz');
    expect(line).toMatch(
      /file 'bomb\.gz' has more than 268435456 bytes when decompressed, expected at most/,
    );
    expect(mebibytes).toBeLessThan(900); // 5 GB once
  });

  test('a gzip file as pairs that are too many', () => {
    bomb('lines.gz', 2, 'a\tb\n');
    const { line, mebibytes } = refusal(...translate, 'lines.gz');
    expect(line).toMatch(/has more than 8388608 lines/);
    expect(mebibytes).toBeLessThan(2500);
  });

  test('a gzip file as images and labels', () => {
    for (const name of ['train-images-idx3', 't10k-images-idx3', 't10k-labels-idx1'])
      writeFileSync(at(`${name}-ubyte`), '');
    bomb('train-labels-idx1-ubyte.gz', 32);
    bomb('train-images-idx3-ubyte', 1);
    const { line, mebibytes } = refusal('train', 'vit', '--data', '.');
    expect(line).toMatch(
      /train-labels-idx1-ubyte\.gz' has more than 16778240 bytes when decompressed/,
    );
    expect(mebibytes).toBeLessThan(400);
  });

  test.runIf(process.platform === 'linux')('/dev/zero as a text, as pairs, as a checkpoint', () => {
    for (const words of [
      [...train, '/dev/zero'],
      [...translate, '/dev/zero'],
    ]) {
      const { line, mebibytes } = refusal(...words);
      expect(line).toMatch(
        /'\/dev\/zero' has more than 268435456 bytes, expected at most so many\. HINT/,
      );
      expect(mebibytes).toBeLessThan(900);
    }
    mkdirSync(at('zero'));
    symlinkSync('/dev/zero', at('zero/checkpoint.safetensors'));
    expect(refusal('inspect', 'zero').line).toMatch(/no regular file/);
  });

  test.runIf(process.platform !== 'win32')(
    'a pipe without a writer, as a text and as a checkpoint',
    () => {
      mkdirSync(at('pipe'));
      for (const name of ['fifo', 'pipe/checkpoint.safetensors']) spawnSync('mkfifo', [at(name)]);
      expect(refusal(...train, 'fifo').line).toMatch(/text 'fifo' is empty/);
      expect(refusal('inspect', 'pipe').line).toMatch(/no regular file/);
    },
  );

  test.runIf(process.platform !== 'win32')(
    'a pipe that somebody writes to is read to its end, however slow',
    () => {
      const slowly = '(head -c 1000 text.txt; sleep 1; tail -c +1001 text.txt)';
      const command = `${slowly} | "${process.execPath}" "${CLI}" \
train gpt --text /dev/stdin ${TINY.join(' ')} --steps 1 --json`;
      const { stdout, stderr } = spawnSync('sh', ['-c', command], { cwd: path, encoding: 'utf8' });
      expect(stderr).toBe('');
      expect(stdout).toMatch(/"event":"done"/);
    },
  );

  test('a file without a size is read to its end, one that is larger than allowed is not', () => {
    writeFileSync(at('ten'), '0123456789');
    expect(readBounded(at('ten'), 10).length).toBe(10);
    expect(() => readBounded(at('ten'), 9)).toThrow(TooLarge);
    truncateSync(at('ten'), 0);
    expect(readBounded(at('ten'), 9).length).toBe(0);
    if (process.platform === 'linux')
      expect(readBounded('/proc/self/status', 2 ** 20).length).toBeGreaterThan(100);
    expect(gunzipBounded(gzipSync(Buffer.alloc(10)), 10).length).toBe(10);
    expect(() => gunzipBounded(gzipSync(Buffer.alloc(11)), 10)).toThrow(TooLarge);
  });
});

describe('folders of images', () => {
  const folder = (name: string, make: (inside: (file: string) => string) => void): string => {
    for (const label of ['a', 'b']) mkdirSync(join(at(name), label), { recursive: true });
    make((file) => join(at(name), file));
    return at(name);
  };

  test.runIf(process.platform === 'linux')('with links to themselves, devices and pipes', () => {
    const loops = folder('loops', (inside) => {
      symlinkSync('..', inside('a/up'));
      symlinkSync('.', inside('self'));
      symlinkSync('c', inside('d'));
      symlinkSync('d', inside('c'));
      symlinkSync('x.png', inside('a/x.png'));
    });
    expect(refusal('train', 'vit', '--data', loops).line).toMatch(/ELOOP|loop/);
    const device = folder('device', (inside) => symlinkSync('/dev/zero', inside('a/x.png')));
    const { line, mebibytes } = refusal('train', 'vit', '--data', device);
    expect(line).toMatch(new RegExp(`x\\.png' has more than ${MAX_PNG_BYTES} bytes`));
    expect(mebibytes).toBeLessThan(400);
    const pipe = folder('pipes', (inside) => spawnSync('mkfifo', [inside('a/x.png')]));
    expect(refusal('train', 'vit', '--data', pipe).line).toMatch(/x\.png' is empty/);
  });

  const grey = pngOf({ width: 8, height: 8, depth: 8, colours: 0, data: new Uint8Array(64) });
  const withChunks = (...chunks: number[][]): Uint8Array =>
    Uint8Array.from([...grey.subarray(0, 33), ...chunks.flat(), ...chunk('IEND', [])]);
  const data = (bytes: Uint8Array): number[] => chunk('IDAT', [...bytes]);
  const rows = new Uint8Array(8 * 9);

  test('an image of 8 x 8 whose data are 64 MB', () => {
    const file = folder('png', (inside) =>
      writeFileSync(inside('a/x.png'), withChunks(data(deflateSync(Buffer.alloc(2 ** 26))))),
    );
    const { line, mebibytes } = refusal('train', 'vit', '--data', file);
    expect(line).toMatch(
      /damaged PNG file \(its data are damaged, or more than an image of its size has\)/,
    );
    expect(mebibytes).toBeLessThan(250);
  });

  test('data of an image that are more, less, or have something behind them', () => {
    expect(readPng(withChunks(data(deflateSync(rows))), 'it').pixels.length).toBe(64);
    const wrong = [
      data(deflateSync(new Uint8Array(8 * 9 + 1))),
      data(deflateSync(rows.subarray(1))),
      data(Buffer.concat([deflateSync(rows), Buffer.alloc(1)])),
      data(deflateSync(rows).subarray(0, -3)),
      [],
    ];
    for (const chunks of wrong) expect(() => readPng(withChunks(chunks), 'it')).toThrow(UsageError);
    expect(() => readPng(Uint8Array.of(...grey, 0), 'it')).toThrow(UsageError);
    expect(() => readPng(withChunks(data(deflateSync(rows)), chunk('IEND', [])), 'it')).toThrow(
      /something stands behind its end/,
    );
  });

  test('chunks that are not needed are not decompressed, but their sums are checked', () => {
    const text = chunk('zTXt', [65, 0, 0, ...deflateSync(Buffer.alloc(2 ** 24))]);
    const profile = chunk('iCCP', [65, 0, 0, 1, 2, 3]);
    expect(readPng(withChunks(text, profile, data(deflateSync(rows))), 'it').pixels.length).toBe(
      64,
    );
    text[9] ^= 1;
    expect(() => readPng(withChunks(text, data(deflateSync(rows))), 'it')).toThrow(
      /a checksum does not match/,
    );
  });
});

describe('what a file says', () => {
  const EVIL = '\u001b]0;owned\u0007\u001b[31m\u009b2J\u202e\u2066\u007f\r';

  /** A checkpoint whose every text is hostile. */
  async function hostile(name: string): Promise<void> {
    const symbols = [...new Set(EVIL)].sort().join('');
    const config = { vocabulary: symbols.length, layers: 1, channels: 8, heads: 2, context: 4 };
    const trainer = Trainer.create({ model: gpt(config), batch: 1, steps: 10 });
    mkdirSync(at(name));
    writeFileSync(
      join(at(name), 'checkpoint.safetensors'),
      await encodeCheckpoint({
        tensors: trainer.tensors(),
        options: trainer.options,
        step: 0,
        vocabulary: { kind: 'characters', symbols, note: EVIL },
        dataSha256: '0'.repeat(64),
        libraryVersion: EVIL,
      }),
    );
  }
  const obeyed = /[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/;

  test('is printed by no command as it is', async () => {
    await hostile('evil');
    for (const words of [
      ['inspect', 'evil'],
      ['inspect', 'evil', '--json'],
      ['sample', 'evil', '--length', '200'],
      ['sample', 'evil', '--json'],
      ['eval', 'evil', '--text', 'text.txt'],
      ['train', 'gpt', '--resume', 'evil', '--text', 'text.txt'],
      ['translate', 'evil', '--text', 'a'],
    ]) {
      const { stdout, stderr } = retrograd(words, { cwd: path });
      expect(stdout + stderr, words.join(' ')).not.toBe('');
      expect(stdout + stderr, words.join(' ')).not.toMatch(obeyed);
    }
    const [line] = retrograd(['inspect', 'evil', '--json'], { cwd: path }).stdout.split('\n');
    expect((JSON.parse(line) as Record<string, unknown>).libraryVersion).toBe(EVIL);
  });

  test('keeps its tabs, line breaks and letters', () => {
    expect(printable('a\tb\r\nc\n\u05d0\u0301\u{1f600}')).toBe('a\tb\nc\n\u05d0\u0301\u{1f600}');
    expect(printable('\u001b\r')).toBe('\\u001b\\u000d');
    expect(printableLine('a\tb\nc')).toBe('a\\tb\\nc');
    expect(JSON.parse(printableJson({ a: EVIL }))).toEqual({ a: EVIL });
    expect(Vocabulary.bytes().size).toBe(256);
  });
});
