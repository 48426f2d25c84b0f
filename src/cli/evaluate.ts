// retrograd eval DIR --text FILE: the loss of a saved model on a text.

import { count, table } from './format.ts';
import { readTextFile } from './files.ts';
import { UsageError, checkLength, checkTrainOptions, sha256Hex, splitTokens } from './library.ts';
import { evaluateInSlices } from './loop.ts';
import { chooseReporter, print, printJson } from './reporters.ts';
import { openRun, restoreTrainer } from './run.ts';
import { asFlags, quote } from './argv.ts';
import { defaultThreads } from './threads.ts';

export interface EvalValues {
  text?: string;
  part?: 'all' | 'validation';
  threads?: number;
  json?: boolean;
}

/** The training text is judged by its validation part unless all of it is asked for; any other text as a whole. */
export async function evaluate(directory: string, values: EvalValues): Promise<number> {
  if (values.text === undefined) throw new UsageError('--text is missing, expected a text file to evaluate on', 'for instance --text input.txt');
  const run = await openRun(directory);
  const file = readTextFile(values.text), what = `text ${quote(values.text)}`;
  const isTrainingText = (await sha256Hex(file)) === run.dataSha256;
  const part = values.part ?? (isTrainingText ? 'validation' : 'all');
  const all = run.characters.encode(file, what), tokens = part === 'all' ? all : splitTokens(all).validation;
  const { context } = run.options.model;
  checkLength(tokens, context, part === 'all' ? what : `the validation part of ${what}`);
  const trainer = restoreTrainer(run, asFlags(['threads'], () => checkTrainOptions({ ...run.options, threads: values.threads ?? defaultThreads(run.options.microBatch) })));
  const reporter = chooseReporter(values.json === true, { from: 0, to: 1, tokensPerStep: 1 });
  const loss = (await evaluateInSlices(trainer, tokens, reporter)) as number;
  reporter.close();
  trainer.close();
  const windows = Math.floor((tokens.length - 1) / context);
  if (values.json === true) {
    printJson({ event: 'evaluation', loss, part, tokens: windows * context, step: run.step, isTrainingText });
  } else {
    print(table([
      ['loss', `${loss.toFixed(4)} nats a token`],
      ['per token', `${(loss / Math.LN2).toFixed(4)} bits, perplexity ${Math.exp(loss).toFixed(3)}`],
      ['over', `${count(windows * context)} tokens: ${part === 'all' ? 'the whole text' : 'the validation part (last tenth)'}${isTrainingText ? ' of the text it was trained on' : ''}`],
      ['model', `step ${run.step} of ${run.options.steps}`],
    ]));
  }
  return 0;
}
