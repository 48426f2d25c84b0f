// Where a result comes from: machine, runtime, version.

import { execFileSync } from 'node:child_process';
import os from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The commit of the repository that this file lies in, "+" if its sources are changed; undefined
 *  outside one. */
function commit(): string | undefined {
  const git = (...words: string[]): string =>
    execFileSync('git', words, {
      cwd: dirname(fileURLToPath(import.meta.url)),
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  try {
    const cwd = git('rev-parse', '--show-toplevel');
    const changed =
      git(
        '-C',
        cwd,
        'status',
        '--porcelain',
        '--',
        'src',
        'bench/experiments',
        'assembly',
        'package.json',
      ) !== '';
    return git('rev-parse', '--short=12', 'HEAD') + (changed ? '+' : '');
  } catch {
    return undefined;
  }
}

let known: { commit: string | undefined } | undefined;

/** Git is asked once. */
function knownCommit(): string | undefined {
  known ??= { commit: commit() };
  return known.commit;
}

export const environment = (threads: number) => ({
  cpu: os.cpus()[0]?.model.trim() ?? 'unknown',
  cores: os.cpus().length,
  system: `${process.platform} ${process.arch}`,
  node: process.version,
  threads,
  date: new Date().toISOString().slice(0, 10),
  commit: knownCommit(),
  load: Math.round(os.loadavg()[0] * 100) / 100,
});
