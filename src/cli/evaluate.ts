// retrograd eval DIR: a saved model on data: its loss, and what else its kind has.

import { asFlags, quote } from './argv.ts';
import { type DataPaths, pathsOf, recordedPaths } from './data-paths.ts';
import { checkExpected } from './expect.ts';
import { directoryOf } from './files.ts';
import { table } from './format.ts';
import { weightsSha256 } from './inspect.ts';
import type { Evaluation, EvalValues } from './kinds/kind.ts';
import { checkTrainOptions, isWeight, matching, UsageError } from './library.ts';
import { chooseReporter, print, printJson } from './reporters.ts';
import { longFlag } from './rows.ts';
import { openAny, restoreTrainer } from './run.ts';
import { settingsOf } from './settings.ts';
import { defaultThreads } from './threads.ts';

/** Values of gamma that inference can have. */
const GAMMAS = [0, 0.125, 0.25, 0.5];

/** Throws UsageError for a gamma that the run's rule has not. */
function checkGamma(gamma: number, reversible: string): void {
  if (!GAMMAS.includes(Math.abs(gamma)))
    throw new UsageError(`--gamma is ${gamma}, expected 0, +-0.125, +-0.25 or +-0.5`);
  if (gamma !== 0 && !['bdia', 'none', 'checkpointing'].includes(reversible))
    throw new UsageError(
      `--gamma is ${gamma}, expected 0: the model was trained with --reversible ` +
        `${reversible}, which has no gamma`,
    );
}

/** The event of data that the log names: they must still be those of the run. */
function checkOwn(event: Evaluation['event'], paths: DataPaths): void {
  if (
    Object.entries(event).some(([name, value]) => name.startsWith('isTraining') && value === false)
  )
    throw new UsageError(
      `${Object.values(paths).map(quote).join(' and ')}, which the log names, changed since ` +
        'the run, expected the data that it was trained on',
      'name the data to judge it on',
    );
}

export async function evaluate(
  directory: string,
  asked: EvalValues,
  given: ReadonlySet<string>,
): Promise<number> {
  const { kind, run } = await openAny(directory);
  const { data } = kind.rows;
  const own =
    pathsOf(data, asked) === undefined ? recordedPaths(data, directoryOf(directory)) : undefined;
  const values = { ...asked, ...own };
  const foreign = [...given].filter(
    (name) => EVALUATED_ON.includes(name) && !data.some((row) => longFlag(row) === `--${name}`),
  );
  if (foreign.length > 0)
    throw new UsageError(
      `--${foreign[0]} is given, but the run in ${quote(directory)} is of ${kind.title}, ` +
        `expected ${data.map(longFlag).join(' or ')}`,
    );
  checkGamma(values.gamma ?? 0, settingsOf(run.options).reversible);
  const reporter = chooseReporter(values.json === true, {
    from: 0,
    to: 1,
    unit: kind.unit,
    unitsPerStep: 1,
  });
  const options = asFlags(['threads'], () =>
    checkTrainOptions({
      ...run.options,
      freeze: matching(['*']), // no gradient and no moment in memory
      threads: values.threads ?? defaultThreads(run.options.microBatch),
    }),
  );
  let close = (): void => undefined;
  const restore = () => {
    const weights = { ...run, tensors: run.tensors.filter(isWeight) };
    const trainer = restoreTrainer(kind, weights, options);
    close = () => trainer.close();
    return trainer;
  };
  try {
    const { event, rows } = await kind.evaluate(run, values, {
      restore,
      progress: (done, of) => reporter.validating(done, of),
    });
    reporter.close();
    if (own !== undefined) checkOwn(event, own);
    const { gamma, expect } = values;
    const digest = expect === undefined ? undefined : weightsSha256(run.tensors);
    if (values.json === true)
      printJson({
        event: 'evaluation',
        ...event,
        ...(gamma === undefined ? {} : { gamma }),
        ...(digest === undefined ? {} : { weightsSha256: digest }),
      });
    else
      print(
        table([
          ...rows,
          ...(gamma === undefined ? [] : [['gamma', String(gamma)]]),
          ['model', `step ${run.step} of ${run.options.steps}`],
        ]),
      );
    if (digest !== undefined) checkExpected('the weights have', digest, expect);
    return 0;
  } finally {
    reporter.close();
    close();
  }
}

/** Names of the options that say what to evaluate on. */
const EVALUATED_ON: readonly string[] = ['text', 'data', 'pairs', 'source', 'target'];
