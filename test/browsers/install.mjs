// What drives the browsers, installed into build/browsers when it is asked for: npm ci does
// without.

import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from '../../bench/stamp.mjs';
import { execute, shortReason } from '../conformance/execute.mjs';

const WANTED = join(import.meta.dirname, 'package.json');
const FOLDER = join(ROOT, 'build/browsers');
const THERE = join(FOLDER, 'package.json');
const WORDS = ['--ignore-scripts', '--no-package-lock', '--no-audit', '--no-fund'];

/** Unless these very versions are there. */
async function install() {
  const wanted = readFileSync(WANTED, 'utf8');
  const isThere = existsSync(join(FOLDER, 'node_modules')) && existsSync(THERE);
  if (isThere && readFileSync(THERE, 'utf8') === wanted) return;
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  copyFileSync(WANTED, THERE);
  const result = await execute(['npm', 'install', ...WORDS, '--prefix', FOLDER], { seconds: 300 });
  if (result.code !== 0)
    throw new Error(`npm install: ${shortReason(result.error ?? result.stderr)}`);
}

/** One of the packages. Throws with the reason if it cannot be had. */
export async function driverPackage(name) {
  await install();
  const path = createRequire(THERE).resolve(name);
  const found = await import(pathToFileURL(path).href);
  return found.default?.launch === undefined ? found : found.default;
}
