// npm run fuzz:distributed -- [--schedules N] [--seed S] [--local]
// Runs that are computed by others under schedules of accidents (test/distributed/schedule.ts);
// with --local of rounds of local steps. Stops at the first that hangs or ends with another digest
// than one machine alone.

import { parseArgs } from 'node:util';
import { LOCAL, OPTIONS, runSchedules } from '../distributed/schedule.ts';

const text = { type: 'string' } as const;
const { values } = parseArgs({
  options: { schedules: text, seed: text, local: { type: 'boolean' } },
});
const options = values.local ? LOCAL : OPTIONS;
const schedules = Number(values.schedules ?? 1000);
const seed = Number(values.seed ?? 1);
const CHUNK = 500;
const total: Record<string, number> = {};

try {
  for (let done = 0; done < schedules; done += CHUNK) {
    const found = await runSchedules(seed + done, Math.min(CHUNK, schedules - done), options);
    for (const [kind, count] of Object.entries(found)) total[kind] = (total[kind] ?? 0) + count;
    console.log(`${Math.min(done + CHUNK, schedules)} schedules, ${JSON.stringify(total)}`);
  }
  console.log(`distributed: ${schedules} schedules, seed ${seed}: 0 different, 0 hang`);
} catch (error) {
  console.log((error as Error).message);
  console.log('  again: npm run fuzz:distributed -- --schedules 1 --seed (that of the schedule)');
  process.exitCode = 1;
}
