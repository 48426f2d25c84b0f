// A few of the images that `npm run fuzz:bijection` sends through flows by the million.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

test('2,000 images through flows and back: none differs', () => {
  const words = [join(import.meta.dirname, 'bijection.mjs'), '--cases', '2000', '--seed', '7'];
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' });
  expect(stdout + stderr).toMatch(/2000 cases, seed 7: 0 foreign errors/);
  expect(status).toBe(0);
});
