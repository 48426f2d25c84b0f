// The words of retrograd compress, decompress and test.

import type { Command } from 'commander';
import { as, byteCount, JSON_OPTION, number, wholeNumber } from '../argv.ts';
import { compress } from './compress.ts';
import { decompress, testArchive } from './decompress.ts';
import { trainModel } from './train.ts';

const MODEL = [
  '-m, --model <file>',
  'the model to code by: of messages (.rgm), or of images (a checkpoint of an idf)',
] as const;
const MOST = [
  '--max-output <bytes>',
  'most bytes of the files: an archive that says more is refused (256MiB)',
  as(byteCount('--max-output')),
] as const;

/** Adds the commands; `finish` receives the exit code of the one that ran. */
export function addCodec(program: Command, finish: (code: number) => void): void {
  program
    .command('compress')
    .description(
      'files as an archive, coded by a model of messages or of images; or, with --train, a model ' +
        'of messages',
    )
    .argument('<PATH...>', 'files and directories')
    .option('-o, --out <file>', 'the archive (.rga) or model (.rgm) to write')
    .option('-f, --force', 'write over a file that exists')
    .option(MODEL[0], `${MODEL[1]} (none: files are stored)`)
    .option(
      '--train',
      'train a model: of a directory each file is a message, of a file each line (bytes without ' +
        'the line break)',
    )
    .option(
      '-n, --steps <n>',
      'steps of training (1500)',
      as(wholeNumber('--steps', 1, 2 ** 31 - 1)),
    )
    .option('-b, --batch <n>', 'windows a step (16)', as(wholeNumber('--batch', 1, 1024)))
    .option('-l, --layers <n>', 'blocks of the model (2)', as(wholeNumber('--layers', 1, 16)))
    .option('-c, --channels <n>', 'its channels (128)', as(wholeNumber('--channels', 8, 512)))
    .option('--heads <n>', 'its heads (4)', as(wholeNumber('--heads', 1, 512)))
    .option('--context <n>', 'bytes that it looks at (256)', as(wholeNumber('--context', 16, 2048)))
    .option('--bits <n>', 'bits of a weight in the file (8)', as(wholeNumber('--bits', 6, 8)))
    .option(
      '--learning-rate <x>',
      'peak of the learning rate (0.003)',
      as(number('--learning-rate')),
    )
    .option(
      '-s, --seed <n>',
      'of the weights and the order of samples (1)',
      as(wholeNumber('--seed', 0, Number.MAX_SAFE_INTEGER)),
    )
    .option('-j, --threads <n>', 'threads; same bits (1)', as(wholeNumber('--threads', 1, 64)))
    .option(...JSON_OPTION)
    .action(async (paths: string[], values) =>
      finish(
        values.train === true ? await trainModel(paths, values) : await compress(paths, values),
      ),
    );
  program
    .command('decompress')
    .description('the files of an archive')
    .argument('<ARCHIVE>', 'an archive (.rga)')
    .option('-o, --out <dir>', 'the directory to put them in; nothing there is overwritten')
    .option(...MODEL)
    .option(...MOST)
    .option(...JSON_OPTION)
    .action(async (path: string, values) => finish(await decompress(path, values)));
  program
    .command('test')
    .description('whether an archive can be decoded: everything is, and nothing is written')
    .argument('<ARCHIVE>', 'an archive (.rga)')
    .option(...MODEL)
    .option(...MOST)
    .option(...JSON_OPTION)
    .action(async (path: string, values) => finish(await testArchive(path, values)));
}
