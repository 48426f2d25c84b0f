// What every file in bench/results says about where its numbers come from, and the shared way of
// writing one.

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import os from 'node:os';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** The commit that was measured, with "+" if the working tree differed from it; undefined outside a
 *  git repository. */
function commit() {
  const git = (...args) =>
    execFileSync('git', args, {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  try {
    const changed =
      git('status', '--porcelain', '--', 'src', 'assembly', 'asconfig.json', 'package.json') !== '';
    return git('rev-parse', '--short=12', 'HEAD') + (changed ? '+' : '');
  } catch {
    return undefined;
  }
}

/** CPU, cores, operating system, Node, date and commit of a measurement. */
export const stamp = () => ({
  cpu: os.cpus()[0]?.model.trim() ?? 'unknown',
  cores: os.cpus().length,
  system: `${process.platform} ${process.arch}`,
  node: process.version,
  date: new Date().toISOString().slice(0, 10),
  commit: commit(),
});

export const resultFile = (name) => new URL(`results/${name}.json`, import.meta.url);

export function writeResult(file, result) {
  writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
}

/** Prints the reason and a hint on stderr and ends with exit code 2. */
export function refuse(reason, hint) {
  console.error(`${reason}\nHINT: ${hint}`);
  process.exit(2);
}
