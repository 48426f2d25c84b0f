// What an earlier build left behind must not come into a package.

import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** Removes what is in a folder and was neither made nor is kept; returns its names. */
export function removeLeftovers(folder, kept) {
  const left = readdirSync(folder).filter((name) => !kept.has(name));
  for (const name of left) rmSync(join(folder, name), { recursive: true });
  return left;
}
