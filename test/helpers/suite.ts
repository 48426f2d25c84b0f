// The forms of the kernel tests: equality over counted cases, properties with a printed seed, and
// worst errors against float64. Each puts its number into the title, and none passes without having
// run.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BACKEND_TABLE, backends } from './backends.ts';
import { type Call, Equality, type Outcome } from './calls.ts';

export type Check = (call: Call) => Outcome;

/** A test whose body makes exactly `cases` calls, each equal bit for bit on every back end. */
export function equal(title: string, cases: number, body: (check: Check) => void): void {
  it(
    `${title}: ${cases.toLocaleString('en')} ${cases === 1 ? 'call' : 'calls'}, equal on ` +
      `${Object.keys(BACKEND_TABLE).length} back ends`,
    () => {
      const equality = new Equality(backends());
      body((call) => equality.check(call));
      expect(equality.cases).toBe(cases);
      equality.finish(1);
    },
  );
}

/** Fixed, so that two runs test the same; TEST_SEED=... explores. fast-check prints it with the
 *  smallest failing case. */
export const SEED = Number(process.env.TEST_SEED ?? 20260115);

/** A property of calls that are also compared on every back end, over `runs` random cases. */
export function property<T extends unknown[]>(
  title: string,
  runs: number,
  arbitraries: { [I in keyof T]: fc.Arbitrary<T[I]> },
  body: (check: Check, ...values: T) => void,
): void {
  it(`${title} (${runs} random cases, seed ${SEED})`, () => {
    const equality = new Equality(backends());
    const record = fc.tuple(...(arbitraries as fc.Arbitrary<unknown>[]));
    fc.assert(
      fc.property(record, (values) => body((call) => equality.check(call), ...(values as T))),
      { numRuns: runs, seed: SEED },
    );
    equality.finish(runs);
  });
}

/** Keeps the largest error seen, prints it, and fails above the bound or if it saw nothing. */
export class Worst {
  private error = -1;
  private at = '';
  private count = 0;

  see(error: number, at: () => string): void {
    this.count++;
    if (error > this.error || Number.isNaN(error)) {
      // once NaN, it stays the worst
      this.error = error;
      this.at = at();
    }
  }

  expectAtMost(bound: number, what: string): void {
    console.log(
      `${what}: worst error ${this.error.toPrecision(4)} of ${bound} allowed, at ${this.at} ` +
        `(${this.count.toLocaleString('en')} values)`,
    );
    expect(this.count).toBeGreaterThan(0);
    expect(this.error, `${what} at ${this.at}`).toBeLessThanOrEqual(bound);
  }
}
