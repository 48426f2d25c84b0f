// The words of retrograd import.

import type { Command } from 'commander';
import { as, JSON_OPTION, wholeNumber } from './argv.ts';
import { importModel } from './import.ts';

/** Adds the command; `finish` receives its exit code. */
export function addImport(program: Command, finish: (code: number) => void): void {
  program
    .command('import')
    .description(
      'a GPT-2 or a vision transformer of another program as a run, to learn on with ' +
        '(train --init)',
    )
    .argument(
      '<PATH>',
      "a directory with model.safetensors and config.json, a safetensors file, or llm.c's .bin",
    )
    .option('-o, --out <dir>', 'directory of the run')
    .option(
      '-t, --text <file>',
      'text of the kind that it will read: formats are chosen by it (numbers)',
    )
    .option(
      '-d, --data <dir>',
      'of a vision transformer: images of the kind that it will see, as train vit takes them ' +
        '(made-up ones)',
    )
    .option(
      '--tokenizer <file>',
      'tokenizer.json, or a directory with one or with vocab.json and merges.txt (those beside ' +
        'the weights)',
    )
    .option('--config <file>', 'config.json (the one beside the weights)')
    .option(
      '--heads <n>',
      'attention heads, if no configuration says it',
      as(wholeNumber('--heads', 1, 4096)),
    )
    .option(...JSON_OPTION)
    .action(async (path: string, values) => finish(await importModel(path, values)));
}
