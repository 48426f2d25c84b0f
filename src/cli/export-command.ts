// The words of retrograd export.

import type { Command } from 'commander';
import { as, choice, JSON_OPTION, wholeNumber } from './argv.ts';
import { exportModel, FORMS, type Form } from './export.ts';

/** Adds the command; `finish` receives its exit code. */
export function addExport(program: Command, finish: (code: number) => void): void {
  program
    .command('export')
    .description('a saved model as the files that other programs load')
    .argument('<DIR>', 'directory of a run')
    .option(
      '--to <form>',
      'hf: a directory for transformers; gguf: a file for llama.cpp and ollama; onnx: a ' +
        'directory for transformers.js and onnxruntime; safetensors: the weights alone, of any ' +
        'model; nanogpt, llm.c: files of these programs; peft: a directory with the adapter of ' +
        '--lora alone, which all others merge into the weights',
      choice('--to', ...(Object.keys(FORMS) as Form[])) as (given: string) => string,
    )
    .option('-o, --out <path>', 'the directory or file to write; nothing there is overwritten')
    .option('--name <name>', "the model's name (that of DIR)")
    .option('--base <name>', 'of peft: directory or name by which the base model is found')
    .option(
      '--end <token>',
      'of gguf: number of the token at which programs stop (that of the vocabulary)',
      as(wholeNumber('--end', 0, 65535)),
    )
    .option(
      '--no-cache',
      'of onnx: a graph without keys and values of the tokens before, not for transformers.js',
    )
    .option(...JSON_OPTION)
    .action(async (directory: string, values) => finish(await exportModel(directory, values)));
}
