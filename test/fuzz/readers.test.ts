// A few of the cases that `npm run fuzz:readers` runs by the hundred thousand.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

test('3,150 fuzzed files: no foreign error, none over 2 s, none over the stated memory', () => {
  const words = [join(import.meta.dirname, 'readers.mjs'), '--cases', '3150', '--seed', '7'];
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' });
  expect(stdout + stderr).toMatch(
    /3150 cases, seed 7: 0 foreign errors, 0 over 2 s, 0 over 512 MiB/,
  );
  expect(status).toBe(0);
});
