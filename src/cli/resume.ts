// The options of a run that goes on (--resume): the checkpoint's, and those that change no bit as
// given now. With more --steps than it has, the run is extended: what it has done stays as it is,
// and the steps after that have a warm-up and a decay of their own, as if they were a run.

import { asFlags } from './argv.ts';
import { type CheckedOptions, checkTrainOptions, joined, roundsOf } from './library.ts';
import { deciding, freeOptions, type RunValues, refuseDiffering, runNames } from './options.ts';
import { type OptionRows, optionName } from './rows.ts';
import { scheduleOf, settingsOf } from './settings.ts';

/** What a checkpoint says of its run. */
export interface SavedOptions<Options> {
  options: Options;
  /** Options that the library does not know, by name. */
  more: object;
}

/** Options that an extended run takes for the steps that are added. */
const OF_MORE = ['steps', 'learningRate', 'warmup', 'decay'];

/** Steps and schedule of a run with more steps than it has. */
function extended(
  { defaults }: OptionRows,
  saved: CheckedOptions<never>,
  values: RunValues,
  steps: number,
): Pick<CheckedOptions, 'steps' | 'learningRate'> {
  const before = settingsOf(saved);
  const added = steps - saved.steps;
  const {
    learningRate = before.learningRate,
    decay = before.decay,
    warmup = Math.min(defaults.warmup, added),
  } = values;
  const after = scheduleOf({ steps: added, learningRate, decay, warmup });
  return { steps, learningRate: joined({ first: saved.learningRate, steps: saved.steps, after }) };
}

/** The options of a resumed run. Throws UsageError naming every given option that differs from the
 *  checkpoint's. */
export function resumedOptions<Options extends CheckedOptions<never>>(
  rows: OptionRows,
  { options: saved, more }: SavedOptions<Options>,
  values: RunValues,
  given: ReadonlySet<string>,
): Options {
  const settings = settingsOf(saved);
  const before = { ...settings, ...settings.model, ...more } as Record<string, unknown>;
  const { steps = saved.steps } = values;
  const isLonger = steps > saved.steps;
  const names = deciding(rows)
    .map(optionName)
    .filter((name) => !(isLonger && OF_MORE.includes(name)));
  const hint = 'leave them out: a resumed run has its options from the checkpoint';
  refuseDiffering(names, before, values, given, hint);
  return asFlags(runNames(rows), () => {
    const schedule = isLonger ? extended(rows, saved, values, steps) : {};
    const free = freeOptions(values, saved.microBatch);
    const options = checkTrainOptions({ ...saved, ...schedule, ...free });
    roundsOf(options); // refuses those that do not fit
    return options as Options;
  });
}
