// How long the README's commands take in a fresh clone, development tools included:
// bench/results/commands.json.
//
//   node bench/commands.mjs

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT, refuse, resultFile, stamp, writeResult } from './stamp.mjs';

const COMMANDS = [
  ['npm', 'start'],
  ['npm', 'test'],
];

const folder = mkdtempSync(join(tmpdir(), 'retrograd-commands-'));
try {
  const clone = join(folder, 'clone');
  execFileSync('git', ['clone', '--quiet', ROOT, clone]);
  const commands = COMMANDS.map(([name, ...words]) => {
    const command = [name, ...words].join(' ');
    const started = performance.now();
    const { status } = spawnSync(name, words, {
      cwd: clone,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    if (status !== 0) refuse(`${command} ended with ${status}`, 'mend it first');
    return { command, seconds: Math.round((performance.now() - started) / 1000) };
  });
  writeResult(resultFile('commands'), { stamp: stamp(), commands });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
