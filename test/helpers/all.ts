// What only `npm run test:all` runs: `npm test` has ten minutes.

/** Whether every test runs. */
export const runsAll = process.env.RETROGRAD_TESTS === 'all';

/** Every nth of a list of cases, or all of them. */
export const some = <T>(cases: readonly T[], n: number): T[] =>
  cases.filter((_, i) => runsAll || i % n === 0);
