// A few of the cases that `npm run fuzz:arguments` runs by the hundred thousand.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

test('3,000 fuzzed calls: no foreign error, none over 2 s, none over 512 MiB', () => {
  const words = [join(import.meta.dirname, 'arguments.mjs'), '--cases', '3000', '--seed', '7'];
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' });
  const expected = /3000 cases, seed 7: 0 foreign errors, 0 over 2 s, 0 over 512 MiB/;
  expect(stdout + stderr).toMatch(expected);
  expect(status).toBe(0);
});
