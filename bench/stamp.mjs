// What every file in bench/results says about where its numbers come from, and the shared way of
// writing one.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** The commit that was measured, with "+" if the working tree differed from it; undefined outside a
 *  git repository. */
export function commit(cwd = ROOT) {
  const git = (...args) =>
    execFileSync('git', args, {
      cwd,
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

/** What decides which instructions a product can be made of, by its names in Linux's list. */
const FEATURES = {
  avx2: 'AVX2',
  avx512f: 'AVX-512',
  avx512_vnni: 'AVX-512 VNNI',
  avx_vnni: 'AVX-VNNI',
  asimddp: 'dot product',
};

/** This Node, with its own flags. */
export const NODE = [process.execPath, ...process.execArgv];
/** Those by which V8 does without something, as `--no-enable-avx-vnni`. */
const WITHOUT = process.execArgv.filter((flag) => flag.startsWith('--no-enable-'));

/** Those that the processor has and V8 may use; undefined where they are not told. */
function features() {
  if (process.platform !== 'linux') return undefined;
  const flags = /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1];
  const has = new Set(flags?.split(' '));
  for (const flag of WITHOUT) has.delete(flag.slice('--no-enable-'.length).replaceAll('-', '_'));
  return Object.keys(FEATURES)
    .filter((flag) => has.has(flag))
    .map((flag) => FEATURES[flag]);
}

/** CPU, its features, cores, operating system, Node, date and commit of a measurement. */
export const stamp = () => ({
  cpu: os.cpus()[0]?.model.trim() ?? 'unknown',
  features: features(),
  cores: os.cpus().length,
  system: `${process.platform} ${process.arch}`,
  node: process.version,
  flags: WITHOUT.length > 0 ? WITHOUT : undefined,
  date: new Date().toISOString().slice(0, 10),
  commit: commit(),
});

export const resultFile = (name) => new URL(`results/${name}.json`, import.meta.url);

/** The kind of processor and the version of Node of a measurement, in words. */
export const kindOf = ({ cpu, features: has, node, flags = [] }) =>
  [
    `${cpu}${has === undefined ? '' : ` (${has.join(', ')})`},`,
    `Node ${node.split('.')[0].slice(1)}`,
    ...flags,
  ].join(' ');

/** Measurements of a file: those without flags of Node first, of the newest Node, and of them the
 *  newest. */
export const readKinds = (file) => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : []);

const rankOf = ({ stamp: { node, flags } }) =>
  Number.parseInt(node.slice(1), 10) - (flags === undefined ? 0 : 1000);

/** Puts a measurement in the place of the one of its own kind. */
export const withKind = (others, result) =>
  [result, ...others.filter(({ stamp: other }) => kindOf(other) !== kindOf(result.stamp))].sort(
    (a, b) => rankOf(b) - rankOf(a),
  );

export function writeResult(file, result) {
  writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
}

/** Prints the reason and a hint on stderr and ends with exit code 2. */
export function refuse(reason, hint) {
  console.error(`${reason}\nHINT: ${hint}`);
  process.exit(2);
}
