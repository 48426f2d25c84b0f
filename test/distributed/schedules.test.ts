// Whoever joins, leaves, dies and comes late, and whatever is lost: the digest of one machine.

import { expect, test } from 'vitest';
import { runSchedules } from './schedule.ts';

const SCHEDULES = 150;

test(`${SCHEDULES} schedules of accidents: each ends with the digest of one machine`, async () => {
  const seed = Number(process.env.TEST_SEED ?? Date.now() % 2 ** 31);
  console.log(`${SCHEDULES} schedules of seed ${seed}`);
  const accidents = await runSchedules(seed, SCHEDULES);
  for (const [kind, count] of Object.entries(accidents)) expect(count, kind).toBeGreaterThan(10);
});
