// npm run mutate: changes operations, update rules and optimizers one expression at a time, and
// lists the changes that no test notices (StrykerJS). Hours; not part of npm test. What follows --
// goes to Stryker: npm run mutate -- --mutate src/optim/schedule.ts

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Kept out of the lock file, for it would nearly double what everyone installs. */
const VERSION = '9.5.1';
const PACKAGES = ['@stryker-mutator/core', '@stryker-mutator/vitest-runner'];

const root = fileURLToPath(new URL('..', import.meta.url));
const isThere = (name) => {
  const path = `${root}node_modules/${name}/package.json`;
  return existsSync(path) && JSON.parse(readFileSync(path, 'utf8')).version === VERSION;
};

function run(command, args) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

if (!PACKAGES.every(isThere)) {
  const pinned = PACKAGES.map((name) => `${name}@${VERSION}`);
  const args = ['install', '--no-save', '--no-package-lock', '--ignore-scripts', ...pinned];
  if (process.env.npm_execpath) run(process.execPath, [process.env.npm_execpath, ...args]);
  else run('npm', args);
}
run(process.execPath, [
  'node_modules/@stryker-mutator/core/bin/stryker.js',
  'run',
  '.ci/mutate.config.json',
  ...process.argv.slice(2),
]);
