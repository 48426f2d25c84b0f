// From a path to a set of images: which data set a directory holds is seen from the names and sizes
// in it, as they come from where the sets are published, gzipped or not. What the bytes mean is
// known to src/data.

import * as fs from 'node:fs';
import { basename, join } from 'node:path';
import { quote } from './argv.ts';
import {
  type CifarKind,
  checkImages,
  fromImages,
  type ImageSet,
  joinImages,
  type LabelledImage,
  readCifar,
  readDigits,
  readIdx,
  UsageError,
} from './library.ts';
import { MAX_PNG_BYTES, readPng } from './png.ts';
import { gunzipBounded, isGzip, readBounded, TooLarge } from './read.ts';
import { codeOf } from './system-errors.ts';

/** A data set, read. */
export interface ImageData {
  train: ImageSet;
  test: ImageSet;
  /** What the classes are called, where the data set says so. */
  names?: string[];
  /** The path as errors name it. */
  what: string;
  format: 'IDX' | 'CIFAR-10' | 'CIFAR-100' | 'optdigits' | 'PNG';
}

export interface ImageOptions {
  /** Classes of an IDX data set, which does not say; default 10. */
  classes?: number;
}

type Parts = Pick<ImageData, 'train' | 'test' | 'names' | 'format'>;

/** Where a data set has no test images of its own: every tenth of a class. */
const HOLD_OUT = 10;
const IDX = /^(train|t10k|test)-(images|labels)[-.]idx\d-ubyte(\.gz)?$/;
/** Bytes of a record of CIFAR-10 and of CIFAR-100. */
const CIFAR_RECORD = { 10: 3073, 100: 3074 };
const BIN = /^(train|data_batch|test).*\.bin(\.gz)?$/;
const DIGITS = /^optdigits\.(tra|tes)(\.gz)?$/;

/** Most bytes of a file of images, of one of labels or digits, decompressed. */
const MAX_IMAGE_BYTES = 2 ** 30;
const MAX_SMALL_BYTES = 2 ** 24 + 2 ** 10;
/** Most entries of a directory that are looked at. */
const MAX_ENTRIES = 2 ** 20;

/** What the system's codes say of a path. */
const FAILURES: ReadonlyMap<unknown, string> = new Map([
  ['ENOENT', 'does not exist'],
  ['ENOTDIR', 'is not a directory'],
]);

/** Runs something of the file system, whose refusal becomes one line. */
function attempt<T>(path: string, expected: string, use: () => T): T {
  try {
    return use();
  } catch (error) {
    if (error instanceof UsageError) throw error;
    if (error instanceof TooLarge)
      throw new UsageError(
        `${nameOf(path)} ${error.message}, expected at most so many`,
        'give a smaller set',
      );
    const code = codeOf(error);
    const { message = String(error) } = error as { message?: string };
    const why = FAILURES.get(code) ?? `cannot be read (${message.split('\n')[0].split(', ')[0]})`;
    throw new UsageError(
      `${quote(path)} ${why}, expected ${expected}`,
      'give the directory of a data set',
    );
  }
}

/** A path in an error; of a long one the end says more. */
const nameOf = (path: string): string => quote(path.length > 60 ? `...${path.slice(-54)}` : path);
/** What a directory holds, in the order of code units, hidden files left out. */
const listEntries = (path: string): fs.Dirent[] =>
  attempt(path, 'a directory of images', () => {
    const directory = fs.opendirSync(path, { bufferSize: 1024 });
    const entries: fs.Dirent[] = [];
    try {
      for (let entry = directory.readSync(); entry !== null; entry = directory.readSync()) {
        if (entries.length === MAX_ENTRIES)
          throw new UsageError(
            `${nameOf(path)} has more than ${MAX_ENTRIES} files, expected at most so many`,
            'give a smaller set',
          );
        if (!entry.name.startsWith('.')) entries.push(entry);
      }
    } finally {
      directory.closeSync();
    }
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  });
const listDirectory = (path: string): string[] => listEntries(path).map(({ name }) => name);

function isDirectory(path: string): boolean {
  try {
    return fs.statSync(path).isDirectory();
  } catch {
    return false; // a link to nothing or to itself
  }
}

/** The bytes of a file, decompressed if it is a gzip file, whatever its name. */
function readBytes(path: string, most: number): Uint8Array {
  const bytes = attempt(path, 'a readable file', () => readBounded(path, most));
  if (!isGzip(bytes)) return bytes;
  try {
    return gunzipBounded(bytes, most);
  } catch (error) {
    if (error instanceof TooLarge)
      throw new UsageError(
        `${nameOf(path)} ${error.message} when decompressed`,
        'give a smaller set',
      );
    const { message } = error as Error;
    const what = codeOf(error) === 'Z_BUF_ERROR' ? 'truncated' : 'damaged';
    throw new UsageError(
      `${nameOf(path)} is a ${what} gzip file (${message})`,
      'fetch the file again',
    );
  }
}

/** The file of a set that a pattern finds. Refused if it is missing beside others of the set. */
function needFile(
  path: string,
  names: readonly string[],
  pattern: RegExp,
  called: string,
  others: RegExp,
): string {
  const name = names.find((candidate) => pattern.test(candidate));
  if (name !== undefined) return join(path, name);
  throw new UsageError(
    `${nameOf(path)} has no file ${called}, expected beside ` +
      `${names.find((candidate) => others.test(candidate))}`,
    'put all files of the set there',
  );
}

/** MNIST: four files, named with a dot or a hyphen before idx. */
function readIdxFiles(path: string, names: readonly string[], classes: number): Parts {
  const part = (prefix: string, called: string): ImageSet => {
    const [images, labels] = ['images-idx3', 'labels-idx1'].map((kind) =>
      needFile(
        path,
        names,
        new RegExp(`^(${prefix})-${kind.slice(0, 6)}[-.]idx\\d-ubyte(\\.gz)?$`),
        `${called}-${kind}-ubyte`,
        IDX,
      ),
    );
    return readIdx(
      readBytes(images, MAX_IMAGE_BYTES),
      readBytes(labels, MAX_SMALL_BYTES),
      [nameOf(images), nameOf(labels)],
      classes,
    );
  };
  return { train: part('train', 'train'), test: part('t10k|test', 't10k'), format: 'IDX' };
}

/** The names in a file of one a line; undefined if there is no such file or it has another number
 *  of names. */
function readNames(path: string, classes: number): string[] | undefined {
  if (!fs.existsSync(path)) return undefined;
  const names = new TextDecoder()
    .decode(readBytes(path, MAX_SMALL_BYTES))
    .split('\n')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  return names.length === classes ? names : undefined;
}

/** CIFAR: names that begin with train or data_batch, and with test. The record tells 10 from 100.
 */
function readCifarFiles(path: string, names: readonly string[]): Parts {
  const all = new Set(names);
  // left from decompressing
  const isCopy = (name: string): boolean => name.endsWith('.gz') && all.has(name.slice(0, -3));
  const load = (pattern: RegExp): { name: string; bytes: Uint8Array }[] =>
    names
      .filter((name) => BIN.test(name) && pattern.test(name) && !isCopy(name))
      .map((name) => join(path, name))
      .map((file) => ({ name: nameOf(file), bytes: readBytes(file, MAX_IMAGE_BYTES) }));
  const train = load(/^(train|data_batch)/);
  const test = load(/^test/);
  if (train.length === 0 || test.length === 0) {
    const missing =
      train.length === 0 ? 'training (train....bin or data_batch....bin)' : 'testing (test....bin)';
    throw new UsageError(
      `${nameOf(path)} has no file for ${missing}, expected beside ` +
        `${names.find((name) => BIN.test(name))}`,
      'put all files of the set there',
    );
  }
  const fits = (kind: CifarKind): boolean =>
    [...train, ...test].every(({ bytes }) => bytes.length % CIFAR_RECORD[kind] === 0);
  const kind = !fits(10) && fits(100) ? 100 : 10;
  const read = (files: typeof train): ImageSet =>
    joinImages(
      files.map(({ name, bytes }) => readCifar(bytes, kind, name)),
      nameOf(path),
    );
  const list = join(path, kind === 10 ? 'batches.meta.txt' : 'fine_label_names.txt');
  return {
    train: read(train),
    test: read(test),
    format: `CIFAR-${kind}`,
    names: readNames(list, kind),
  };
}

function readDigitFiles(path: string, names: readonly string[]): Parts {
  const read = (extension: string): ImageSet => {
    const file = needFile(
      path,
      names,
      new RegExp(`^optdigits\\.${extension}(\\.gz)?$`),
      `optdigits.${extension}`,
      DIGITS,
    );
    return readDigits(readBytes(file, MAX_SMALL_BYTES), nameOf(file));
  };
  return { train: read('tra'), test: read('tes'), format: 'optdigits' };
}

const isPng = (name: string): boolean => /\.png$/i.test(name);
/** Most links are to what they stand for: only those are followed. */
const leadsToDirectory = (path: string, entry: fs.Dirent): boolean =>
  entry.isSymbolicLink() ? isDirectory(join(path, entry.name)) : entry.isDirectory();
const directories = (path: string): string[] =>
  isDirectory(path)
    ? listEntries(path)
        .filter((entry) => !isPng(entry.name) && leadsToDirectory(path, entry))
        .map(({ name }) => name)
    : [];
/** There are directories in this one, and one of them at least has PNG files. */
const holdsClasses = (path: string): boolean =>
  directories(path).some((name) => listDirectory(join(path, name)).some(isPng));

/** Bytes of pixels that may still be decoded. */
interface Room {
  bytes: number;
}
const room = (): Room => ({ bytes: MAX_IMAGE_BYTES });

/** A PNG file of a class. */
function readImage(file: string, label: number, left: Room): LabelledImage {
  const name = nameOf(file);
  const image = readPng(readBytes(file, MAX_PNG_BYTES), name);
  left.bytes -= image.pixels.length;
  if (left.bytes < 0)
    throw new UsageError(
      `the images up to ${name} have more than ${MAX_IMAGE_BYTES} bytes of pixels, expected ` +
        'at most so many',
      'scale the images, or use fewer',
    );
  return { ...image, label, name };
}

/** Every PNG file of a directory of classes, in the order of names; the label is the place of the
 *  class among `names`. */
const readClasses = (path: string, names: readonly string[], left: Room): LabelledImage[][] =>
  names.map((name, label) => {
    const directory = join(path, name);
    const files = isDirectory(directory) ? listDirectory(directory).filter(isPng) : [];
    return files.map((file) => readImage(join(directory, file), label, left));
  });

/** The two parts as sets of one kind: grey only if all images are. */
function toParts(
  train: LabelledImage[],
  test: LabelledImage[],
  names: string[],
  what: string,
): Parts {
  const [first] = train;
  const other = test.find(({ width, height }) => width !== first?.width || height !== first.height);
  // throws, naming both
  if (first !== undefined && other !== undefined) fromImages([first, other], names.length, what);
  const channels = [...train, ...test].some((image) => image.channels === 3) ? 3 : 1;
  const toSet = (images: LabelledImage[], part: string): ImageSet =>
    fromImages(images, names.length, `${what} (${part})`, channels);
  return { train: toSet(train, 'training'), test: toSet(test, 'testing'), names, format: 'PNG' };
}

/** Directories train and test, each with one directory a class. */
function readDividedClasses(path: string): Parts {
  const train = join(path, 'train');
  const test = join(path, 'test');
  const names = directories(train);
  for (const [there, missing] of [
    [train, 'test'],
    [test, 'train'],
  ])
    if (!holdsClasses(join(path, missing)))
      throw new UsageError(
        `${nameOf(path)} has classes of PNG files in ${basename(there)} but not in ` +
          `${missing}, expected in both`,
        `give ${nameOf(there)} to test on every tenth image`,
      );
  const known = new Set(names);
  const foreign = directories(test).find((name) => !known.has(name));
  if (foreign !== undefined)
    throw new UsageError(
      `${nameOf(path)} has the class ${quote(foreign)} in test but not in train, expected in both`,
      'a model cannot know it; move or remove it',
    );
  const left = room();
  return toParts(
    readClasses(train, names, left).flat(),
    readClasses(test, names, left).flat(),
    names,
    nameOf(path),
  );
}

/** One directory a class. */
function readClassesAlone(path: string): Parts {
  const names = directories(path);
  const classes = readClasses(path, names, room());
  const isTest = (_: unknown, place: number): boolean => place % HOLD_OUT === HOLD_OUT - 1;
  const test = classes.flatMap((images) => images.filter(isTest));
  if (test.length === 0)
    throw new UsageError(
      `${nameOf(path)} has no class of ${HOLD_OUT} PNG files or more, expected one: every ` +
        'tenth image is for testing',
      'add images, or divide them into train/CLASS and test/CLASS',
    );
  return toParts(
    classes.flatMap((images) => images.filter((image, place) => !isTest(image, place))),
    test,
    names,
    nameOf(path),
  );
}

/** The reader for what a directory holds; undefined if it is nothing known. */
function readerFor(
  path: string,
  names: readonly string[],
  classes: number,
): (() => Parts) | undefined {
  if (names.some((name) => IDX.test(name))) return () => readIdxFiles(path, names, classes);
  if (names.some((name) => BIN.test(name))) return () => readCifarFiles(path, names);
  if (names.some((name) => DIGITS.test(name))) return () => readDigitFiles(path, names);
  if (holdsClasses(join(path, 'train')) || holdsClasses(join(path, 'test')))
    return () => readDividedClasses(path);
  return holdsClasses(path) ? () => readClassesAlone(path) : undefined;
}

/** Training and test images that one model can see. */
function checkSameKind(train: ImageSet, test: ImageSet, what: string): void {
  const kind = ({ width, height, channels, classes }: ImageSet): string =>
    `images of ${width} x ${height} x ${channels} in ${classes} classes`;
  if (kind(train) !== kind(test))
    throw new UsageError(
      `${what} has ${kind(test)} beside ${kind(train)}, expected one kind`,
      'do not mix data sets',
    );
}

/** Reads the data set of a directory: MNIST's four IDX files; the .bin files of CIFAR-10 or
 *  CIFAR-100; optdigits.tra and .tes; PNG files as train/CLASS/x.png and test/CLASS/x.png, or
 *  CLASS/x.png, every tenth of which is for testing. Throws UsageError naming the file. */
export function readImages(path: string, { classes = 10 }: ImageOptions = {}): ImageData {
  const names = listDirectory(path);
  const what = nameOf(path);
  const read = readerFor(path, names, classes);
  if (read === undefined)
    throw new UsageError(
      `${what} holds no images, expected MNIST's four IDX files, train and test .bin files ` +
        'of CIFAR, optdigits.tra and .tes, or CLASS/*.png',
      'give the directory that holds the files; PNG files may be divided as train/CLASS and ' +
        'test/CLASS',
    );
  const parts = read();
  checkImages(parts.train, `${what} (training)`, { names: parts.names });
  checkImages(parts.test, `${what} (testing)`, { names: parts.names, everyClass: false });
  checkSameKind(parts.train, parts.test, what);
  return { ...parts, what };
}
