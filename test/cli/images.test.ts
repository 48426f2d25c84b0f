import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ImageOptions, readImages } from '../../src/cli/images.ts';
import { UsageError } from '../../src/core/errors.ts';
import { pattern } from '../helpers/pattern.ts';
import { pngOf } from './png-files.ts';

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'retrograd-images-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

let made = 0;
/** A directory of its own with these files. */
function folder(files: Record<string, Uint8Array | string>): string {
  const path = join(root, String(made++));
  mkdirSync(path);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), content);
  }
  return path;
}

function refusal(path: string, options?: ImageOptions): string {
  try {
    readImages(path, options);
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    expect((error as Error).message).toMatch(/^[^\n]+$/);
    return (error as Error).message;
  }
  return 'accepted';
}

const bigEndian = (...numbers: number[]): number[] =>
  numbers.flatMap((n) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255]);
const idxImages = (count: number): Uint8Array =>
  Uint8Array.from([...bigEndian(2051, count, 2, 2), ...Array<number>(4 * count).fill(7)]);
const idxLabels = (count: number, labels = 10): Uint8Array =>
  Uint8Array.from([
    ...bigEndian(2049, count),
    ...Array.from({ length: count }, (_, i) => i % labels),
  ]);
const mnist = (): Record<string, Uint8Array> => ({
  'train-images-idx3-ubyte': idxImages(20),
  'train-labels-idx1-ubyte.gz': gzipSync(idxLabels(20)),
  't10k-images.idx3-ubyte': idxImages(4),
  't10k-labels-idx1-ubyte.gz': idxLabels(4), // a name of .gz that is none
});
const cifar = (count: number, kind: 10 | 100 = 10): Uint8Array =>
  Uint8Array.from({ length: count * (kind === 10 ? 3073 : 3074) }, (_, i) =>
    i % (kind === 10 ? 3073 : 3074) === (kind === 10 ? 0 : 1)
      ? Math.floor(i / (kind === 10 ? 3073 : 3074)) % kind
      : 3,
  );
const digits = (count: number): string =>
  Array.from({ length: count }, (_, i) => [...Array<number>(64).fill(i % 17), i % 10].join()).join(
    '\n',
  );
const grey = (value: number, width = 2): Uint8Array =>
  pngOf({ width, height: 2, depth: 8, colours: 0, data: new Uint8Array(2 * width).fill(value) });
const red = (value: number): Uint8Array =>
  pngOf({
    width: 2,
    height: 2,
    depth: 8,
    colours: 2,
    data: Uint8Array.from({ length: 12 }, (_, i) => (i % 3 === 0 ? value : 0)),
  });

describe('IDX files', () => {
  test('are read, gzipped or not, whatever their names say', () => {
    const path = folder(mnist());
    const { train, test: testing, names, what, format } = readImages(path);
    expect([
      train.count,
      testing.count,
      train.width,
      train.height,
      train.channels,
      train.classes,
      names,
      format,
    ]).toEqual([20, 4, 2, 2, 1, 10, undefined, 'IDX']);
    expect(what).toContain(path.slice(-20));
    expect(train.labels[13]).toBe(3);
  });

  test('a missing, cut, swapped or foreign one is named', () => {
    const { 't10k-labels-idx1-ubyte.gz': _, ...three } = mnist();
    expect(refusal(folder(three))).toMatch(
      /has no file t10k-labels-idx1-ubyte, expected beside t10k-images\.idx3-ubyte\. HINT/,
    );
    expect(
      refusal(
        folder({
          ...mnist(),
          'train-labels-idx1-ubyte.gz': gzipSync(idxLabels(20)).subarray(0, 15),
        }),
      ),
    ).toMatch(
      pattern(
        /train-labels-idx1-ubyte\.gz' is a truncated gzip file \(unexpected end of /,
        /file\)\. HINT: fetch/,
      ),
    );
    const damaged = gzipSync(idxLabels(20));
    damaged[damaged.length - 6] ^= 1; // the sum of the contents
    expect(refusal(folder({ ...mnist(), 'train-labels-idx1-ubyte.gz': damaged }))).toMatch(
      /train-labels-idx1-ubyte\.gz' is a damaged gzip file \(incorrect data check\)/,
    );
    expect(
      refusal(
        folder({
          ...mnist(),
          'train-images-idx3-ubyte': idxLabels(20),
          'train-labels-idx1-ubyte.gz': idxImages(20),
        }),
      ),
    ).toMatch(/train-images-idx3-ubyte' begins with the number 2049 \(labels\).*swapped/);
    expect(
      refusal(folder({ ...mnist(), 'train-images-idx3-ubyte': idxImages(20).subarray(0, 90) })),
    ).toMatch(/train-images-idx3-ubyte' has 90 bytes, expected 96 \(20 images of 2 x 2\)/);
    expect(refusal(folder({ ...mnist(), 'train-labels-idx1-ubyte.gz': idxLabels(20, 9) }))).toMatch(
      /\(training\) has no image of class 9, expected/,
    );
  });

  test('have as many classes as one says', () => {
    expect(
      readImages(folder({ ...mnist(), 'train-labels-idx1-ubyte.gz': idxLabels(20, 12) }), {
        classes: 12,
      }).test.classes,
    ).toBe(12);
    expect(
      refusal(folder({ ...mnist(), 'train-labels-idx1-ubyte.gz': idxLabels(20, 12) })),
    ).toMatch(/has the label 10 at record 10/);
  });
});

describe('CIFAR files', () => {
  test.each([
    ['data_batch_1.bin', 'data_batch_2.bin', 'test_batch.bin'],
    ['data_batch_1_first4000.bin.gz', 'data_batch_2.bin.gz', 'test_batch_first1000.bin.gz'],
    ['train_1.bin.gz', 'train_2.bin', 'test_2000.bin.gz'],
  ])('%s, %s and %s are CIFAR-10', (first, second, last) => {
    const pack = (name: string, bytes: Uint8Array): Uint8Array =>
      name.endsWith('.gz') ? gzipSync(bytes) : bytes;
    const words = 'a b c d e f g h i j'.split(' ');
    const set = readImages(
      folder({
        [first]: pack(first, cifar(12)),
        [second]: pack(second, cifar(11)),
        [last]: pack(last, cifar(3)),
        'batches.meta.txt': `${words.join('\n')}\n\n`,
        'readme.html': '',
      }),
    );
    expect([set.train.count, set.test.count, set.train.channels, set.format, set.names]).toEqual([
      23,
      3,
      3,
      'CIFAR-10',
      words,
    ]);
    expect(Array.from(set.train.labels)).toEqual([
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0,
    ]);
  });

  test('the record tells CIFAR-100; a compressed copy is not read twice', () => {
    const set = readImages(
      folder({
        'train.bin': cifar(100, 100),
        'train.bin.gz': gzipSync(cifar(100, 100)),
        'test.bin': cifar(2, 100),
      }),
    );
    expect([set.train.count, set.test.count, set.train.classes, set.format, set.names]).toEqual([
      100,
      2,
      100,
      'CIFAR-100',
      undefined,
    ]);
  });

  test('a missing part, a cut file and a mixture are refused', () => {
    expect(refusal(folder({ 'test.bin': cifar(2) }))).toMatch(
      pattern(
        /has no file for training \(train\.\.\.\.bin or data_batch\.\.\.\.bin\), /,
        /expected beside test\.bin/,
      ),
    );
    expect(refusal(folder({ 'train.bin': cifar(12) }))).toMatch(
      /has no file for testing \(test\.\.\.\.bin\), expected beside train\.bin/,
    );
    expect(refusal(folder({ 'train.bin': cifar(12), 'test.bin': cifar(2).subarray(1) }))).toMatch(
      /test\.bin' has 6145 bytes, expected a multiple of 3073/,
    );
    expect(refusal(folder({ 'train.bin': cifar(12), 'test.bin': cifar(2, 100) }))).toMatch(
      pattern(
        /test\.bin' has 6148 bytes, expected a multiple of 3073.*HINT: its size is that /,
        /of a file of CIFAR-100/,
      ),
    );
    expect(
      refusal(
        folder({
          'train.bin': cifar(9),
          'test.bin': cifar(2),
          'batches.meta.txt': 'a\nb\nc\nd\ne\nf\ng\nh\ni\ndonkey\n',
        }),
      ),
    ).toMatch(/\(training\) has no image of class 9 \('donkey'\)/);
  });
});

describe('optdigits', () => {
  test('are read, and refused if one is missing or wrong', () => {
    const set = readImages(
      folder({
        'optdigits.tra': digits(20),
        'optdigits.tes.gz': gzipSync(digits(5)),
        'optdigits.names': 'about',
      }),
    );
    expect([set.train.count, set.test.count, set.train.width, set.format]).toEqual([
      20,
      5,
      8,
      'optdigits',
    ]);
    expect(refusal(folder({ 'optdigits.tra': digits(20) }))).toMatch(
      /has no file optdigits\.tes, expected beside optdigits\.tra/,
    );
    expect(refusal(folder({ 'optdigits.tra': digits(20), 'optdigits.tes': '1,2\n' }))).toMatch(
      /optdigits\.tes' has at line 1 2 values, expected 65/,
    );
  });
});

describe('PNG files', () => {
  test('train/CLASS and test/CLASS: classes in the order of names, grey beside colour', () => {
    const set = readImages(
      folder({
        'train/cat/2.png': grey(2),
        'train/cat/1.PNG': grey(1),
        'train/cat/notes.txt': '',
        'train/ant/x.png': grey(3),
        'train/.hidden/x.png': grey(9),
        'test/cat/1.png': red(4),
      }),
    );
    expect([set.names, set.format, set.train.channels, set.train.count, set.test.count]).toEqual([
      ['ant', 'cat'],
      'PNG',
      3,
      3,
      1,
    ]);
    expect([Array.from(set.train.labels), Array.from(set.test.labels)]).toEqual([[0, 1, 1], [1]]);
    expect(Array.from(set.train.pixels.filter((_, i) => i % 4 === 0))).toEqual([
      3, 3, 3, 1, 1, 1, 2, 2, 2,
    ]);
    expect(Array.from(set.test.pixels)).toEqual([4, 0, 0, 4, 0, 0, 4, 0, 0, 4, 0, 0]);
  });

  test('CLASS alone: every tenth of a class is for testing', () => {
    const files = ['a', 'b'].flatMap((name, label) =>
      Array.from({ length: 21 }, (_, i) => [
        `${name}/${String(i).padStart(2, '0')}.png`,
        grey(100 * label + i),
      ]),
    );
    const { train, test: testing } = readImages(folder(Object.fromEntries(files)));
    expect([train.count, testing.count, train.channels]).toEqual([38, 4, 1]);
    expect(Array.from(testing.pixels.filter((_, i) => i % 4 === 0))).toEqual([9, 19, 109, 119]);
    expect(Array.from(testing.labels)).toEqual([0, 0, 1, 1]);
  });

  test('what is wrong is named', () => {
    const pair = { 'train/a/1.png': grey(1), 'train/b/1.png': grey(1), 'test/a/1.png': grey(1) };
    expect(refusal(folder(pair))).toBe('accepted');
    expect(refusal(folder({ ...pair, 'train/b/2.png': grey(1, 3) }))).toMatch(
      pattern(
        /\(training\): '.*train\/b\/2\.png' is 3 x 2 pixels, expected 2 x 2 as /,
        /'.*train\/a\/1\.png'\. HINT/,
      ),
    );
    expect(refusal(folder({ ...pair, 'test/b/2.png': grey(1, 3) }))).toMatch(
      /: '.*test\/b\/2\.png' is 3 x 2 pixels, expected 2 x 2 as '.*train\/a\/1\.png'/,
    );
    expect(refusal(folder({ ...pair, 'train/b/2.png': grey(1).subarray(0, 50) }))).toMatch(
      /train\/b\/2\.png' is a damaged PNG file \(/,
    );
    expect(refusal(folder({ ...pair, 'train/b/2.png': '' }))).toMatch(
      /train\/b\/2\.png' is empty, expected a PNG file/,
    );
    expect(refusal(folder({ ...pair, 'test/c/1.png': grey(1) }))).toMatch(
      /has the class 'c' in test but not in train, expected in both/,
    );
    expect(refusal(folder({ ...pair, 'train/c/notes.txt': '' }))).toMatch(
      /\(training\) has no image of class 2 \('c'\), expected/,
    );
    expect(refusal(folder({ 'train/a/1.png': grey(1), 'train/b/1.png': grey(1) }))).toMatch(
      pattern(
        /has classes of PNG files in train but not in test, expected in both\. HINT: /,
        /give '.*train' to test on every tenth image/,
      ),
    );
    expect(refusal(folder({ 'a/1.png': grey(1), 'b/1.png': grey(1) }))).toMatch(
      /has no class of 10 PNG files or more, expected one/,
    );
    expect(refusal(folder({ 'train/a/1.png': grey(1), 'test/a/1.png': grey(1) }))).toMatch(
      /\(training\) has 1 classes, expected 2 to 65536/,
    );
  });
});

describe('a path that is no data set', () => {
  test('is refused in one line that says what is expected', () => {
    for (const path of [
      folder({}),
      folder({ 'a.txt': 'a', 'b/c.txt': '' }),
      folder({ 'a.png': grey(1) }),
    ])
      expect(refusal(path)).toMatch(
        pattern(
          /holds no images, expected MNIST's four IDX files, train and test \.bin files /,
          /of CIFAR, optdigits\.tra and \.tes, or CLASS\/\*\.png\. HINT/,
        ),
      );
    const path = folder({ file: 'x' });
    expect(refusal(join(path, 'file'))).toMatch(
      /file' is not a directory, expected a directory of images/,
    );
    expect(refusal(join(path, 'none'))).toMatch(
      /none' does not exist, expected a directory of images/,
    );
    for (const bad of ['', 'x\0y', 'x'.repeat(5000)])
      expect(refusal(bad)).toMatch(/, expected a directory of images\. HINT/);
    symlinkSync('loop', join(path, 'loop'));
    expect(refusal(path)).toMatch(/holds no images/);
    mkdirSync(join(path, 'a/1.png'), { recursive: true });
    expect(refusal(path)).toMatch(
      pattern(
        /1\.png' cannot be read \(EISDIR: illegal operation on a directory\), expected a /,
        /readable file|holds no images|no class of 10/,
      ),
    );
  });
});
