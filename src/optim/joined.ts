// One schedule after another: of a run that was extended when it was complete, or before.

import { fields, made, whole } from '../core/check.ts';
import type { Schedule } from './schedule.ts';

/** Of two schedules in turn. */
export interface JoinedOptions {
  /** Of the first steps. */
  readonly first: Schedule;
  /** How many those are, 1..2^31 - 1: the whole run, as `first` sees it. */
  readonly steps: number;
  /** Of all steps after them, which are the whole run, as it sees it. */
  readonly after: Schedule;
}

const isSchedule = (name: string, value: unknown): Schedule =>
  made<Schedule>(name, value, ['rate'], 'a schedule: cosine(), constant() or your own');

/** A schedule for the first steps of a run, and then another one for the rest, each as if its part
 *  were a run of its own: so a run of 1,000 steps that is extended to 1,500 has the rates that it
 *  has had, then a warm-up and a decay over 500 steps. Throws UsageError for what is no schedule.
 *  @example
 *  const constantly = (rate) => constant(rate, { warmup: 0 });
 *  const both = joined({ first: constantly(0.5), steps: 2, after: constantly(0.25) });
 *  console.log([0, 1, 2, 3].map((step) => Number(both.rate(step, 4)) / 2 ** 32).join());
 *  // 0.5,0.5,0.25,0.25
 */
export function joined(options: JoinedOptions): Schedule {
  const defaults = { first: undefined, steps: undefined, after: undefined };
  const given = fields<JoinedOptions>('options', options, defaults);
  const steps = whole('steps', given.steps, 1, 2 ** 31 - 1);
  const first = isSchedule('first', given.first);
  const after = isSchedule('after', given.after);
  return {
    name: 'joined',
    options: { first, steps, after },
    rate: (step, all) =>
      step < steps ? first.rate(step, steps) : after.rate(step - steps, all - steps),
  };
}
