// What only `npm run test:all` runs: `npm test` has ten minutes.

/** Whether every test runs. */
export const runsAll = process.env.RETROGRAD_TESTS === 'all';
