// npm run site: builds the site into build/site, a folder that any static host serves, and looks at
// every link of it. What it needs beside the development tools is installed into build/site-work
// the first time.
//
//   npm run site -- --base /retrograd/    for a host that serves it below a folder
//   npm run site -- --serve [--port N]    serves it on this machine afterwards, isolated

import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ENTRIES } from '../../.ci/entries.mjs';
import { ROOT } from '../../bench/stamp.mjs';
import { buildDigits, FOLDER as DIGITS } from '../examples/digits/build.mjs';
import { buildPlayground, FOLDER as PLAYGROUND } from '../playground/build.mjs';
import { deadLinks } from './check.mjs';
import { TRAINING } from './navigation.mjs';
import { serve } from './serve.mjs';
import { stage } from './stage.mjs';

const HERE = import.meta.dirname;
export const SITE = join(ROOT, 'build/site');
export const WORK = join(ROOT, 'build/site-work');

function run(program, args, more = {}) {
  const { status, error } = spawnSync(program, args, { stdio: 'inherit', cwd: ROOT, ...more });
  if (status !== 0) throw new Error(`${program} ${args[0]} failed${error ? `: ${error}` : ''}`);
}

/** VitePress, unless this very version is there. */
function install() {
  mkdirSync(WORK, { recursive: true });
  const wanted = readFileSync(join(HERE, 'package.json'), 'utf8');
  const there = join(WORK, 'package.json');
  const isThere =
    existsSync(join(WORK, 'node_modules/vitepress')) &&
    existsSync(there) &&
    readFileSync(there, 'utf8') === wanted;
  if (isThere) return;
  console.log('installing VitePress into build/site-work');
  rmSync(join(WORK, 'node_modules'), { recursive: true, force: true });
  copyFileSync(join(HERE, 'package.json'), there);
  const words = ['install', '--no-package-lock', '--ignore-scripts', '--no-audit', '--no-fund'];
  run('npm', [...words, '--prefix', WORK], { shell: process.platform === 'win32' });
}

/** The pages of the reference: document -> text. */
function reference() {
  const folder = join(WORK, 'api');
  run(process.execPath, ['docs/generate/api.mjs', folder]);
  return new Map(
    ['retrograd', ...ENTRIES].map((name) => [
      `docs/api/${name}.md`,
      readFileSync(join(folder, `${name}.md`), 'utf8'),
    ]),
  );
}

/** Builds everything; returns what deadLinks found. */
export async function buildSite(base = '/') {
  install();
  await buildPlayground();
  await buildDigits();
  stage(WORK, { api: reference(), training: { play: PLAYGROUND, draw: DIGITS } });
  run(process.execPath, [join(WORK, 'node_modules/vitepress/bin/vitepress.js'), 'build', WORK], {
    env: { ...process.env, SITE_BASE: base, NODE_ENV: 'production' },
  });
  writeFileSync(join(WORK, 'base'), base);
  return deadLinks(SITE, base);
}

/** Serves the site; `isIsolated`: pages that train with the headers that shared memory asks for. */
export const serveSite = ({ port, base, isIsolated = true }) =>
  serve(SITE, {
    port,
    base,
    isolates: (at) => isIsolated && TRAINING.some((folder) => at.startsWith(`${base}${folder}/`)),
  });

async function main() {
  const { values } = parseArgs({
    options: {
      base: { type: 'string', default: '/' },
      serve: { type: 'boolean' },
      port: { type: 'string', default: '8080' },
    },
  });
  const { pages, looked, dead } = await buildSite(values.base);
  for (const { page, link, why } of dead) console.log(`${page}: ${link} (${why})`);
  console.log(`build/site: ${pages} pages, ${looked} links, ${dead.length} dead`);
  if (dead.length > 0) process.exitCode = 1;
  if (!values.serve) return;
  const { origin } = await serveSite({ port: Number(values.port), base: values.base });
  console.log(`open ${origin}${values.base} (Ctrl-C ends)`);
}

if (process.argv[1] === import.meta.filename) await main();
