// A few of the cases that `npm run fuzz:import` runs by the hundred thousand.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

test('3,000 fuzzed files of weights: no foreign error, none over 2 s or 256 MiB', () => {
  const words = [join(import.meta.dirname, 'import.mjs'), '--cases', '3000', '--seed', '7'];
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' });
  expect(stdout + stderr).toMatch(
    /3000 cases, seed 7: 0 foreign errors, 0 over 2 s, 0 over 256 MiB/,
  );
  expect(status).toBe(0);
});
