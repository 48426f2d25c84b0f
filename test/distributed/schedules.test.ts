// Whoever joins, leaves, dies and comes late, and whatever is lost: the digest of one machine.

import { expect, test } from 'vitest';
import { LOCAL, OPTIONS, runSchedules } from './schedule.ts';

const SCHEDULES = 150;

test.each([
  ['steps', OPTIONS],
  ['rounds of local steps', LOCAL],
])(
  `${SCHEDULES} schedules of accidents, of %s: each ends with the digest of one machine`,
  async (_, options) => {
    const seed = Number(process.env.TEST_SEED ?? Date.now() % 2 ** 31);
    console.log(`${SCHEDULES} schedules of seed ${seed}`);
    const accidents = await runSchedules(seed, SCHEDULES, options);
    for (const [kind, count] of Object.entries(accidents)) expect(count, kind).toBeGreaterThan(10);
  },
);
