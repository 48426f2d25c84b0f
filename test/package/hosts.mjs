// What other people's projects do with the package: test runners that load it into a realm of their
// own, strict TypeScript, every supported Node, CommonJS, errors that nobody catches.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { installNode } from '../conformance/runtimes.mjs';
import { npm, readmeExample, root, run } from './project.mjs';

const example = readmeExample();
/** Tools, pinned. */
export const TOOLS = { jest: '30.5.2', vitest: '4.1.12', typescript: '5.9.3' };
/** The oldest, one before and one after require() of modules, of each line; the newest. */
const NODES = ['20.0.0', '20.10.0', '20.20.2', '22.12.0', '24.0.0', '26.10.0'];

/** Throws unless a program printed what the README says. */
export function same(output) {
  if (output !== example.output) throw new Error(`printed\n${output}\nexpected\n${example.output}`);
}

/** Everything that touches memory or a thread, under the test functions of jest and vitest. */
const SPEC = `
import { Trainer, Vocabulary, decodeCheckpoint, encodeCheckpoint, gpt, sha256Hex } from 'retrograd';
const model = gpt({ vocabulary: 256, layers: 2, channels: 8, heads: 2, context: 4 });
const inputs = Int32Array.of(0, 1, 2, 3, 4, 5, 6, 7);
const targets = Int32Array.of(1, 2, 3, 0, 5, 6, 7, 4);
async function trained(threads) {
  const trainer = Trainer.create({ model, batch: 2, steps: 10, threads });
  while (trainer.steps < 5) {
    trainer.step({ inputs, targets });
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return trainer;
}
test('one thread and two have the same digest', async () => {
  const [one, two] = [await trained(1), await trained(2)];
  expect(await two.weightsSha256()).toBe(await one.weightsSha256());
  for (const trainer of [one, two]) trainer.close();
});
test('a checkpoint goes on where it was', async () => {
  const trainer = await trained(1);
  const file = await encodeCheckpoint({
    tensors: trainer.tensors(), options: trainer.options, step: trainer.steps,
    vocabulary: Vocabulary.bytes().toJson(), dataSha256: await sha256Hex(new Uint8Array(0)),
    libraryVersion: '0.1.0',
  });
  const { tensors, options, step } = await decodeCheckpoint(file);
  const again = Trainer.create(options);
  again.restore(tensors, step);
  expect(again.step({ inputs, targets }).loss).toBe(trainer.step({ inputs, targets }).loss);
});
test('errors are its own', () => {
  expect(() => Trainer.create({ model, batch: 0, steps: 10 })).toThrow('batch');
});
`;

function jest(project) {
  const folder = join(project, 'jest');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'a.test.mjs'), SPEC);
  const config = { rootDir: folder, testMatch: ['**/*.test.mjs'], transform: {} };
  writeFileSync(join(folder, 'jest.config.json'), JSON.stringify(config));
  const program = join(project, 'node_modules/jest/bin/jest.js');
  const words = ['--experimental-vm-modules', program, '--config', 'jest.config.json'];
  run(process.execPath, words, { cwd: folder });
}

function vitest(project, pool) {
  const folder = join(project, `vitest-${pool}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'a.test.mjs'), `import { expect, test } from 'vitest';\n${SPEC}`);
  const program = join(project, 'node_modules/vitest/vitest.mjs');
  run(process.execPath, [program, 'run', '--root', folder, '--pool', pool], { cwd: folder });
}

/** What strict programs write: what the package gives goes to the platform, or into it again. */
const STRICT = `
import { Trainer, Vocabulary, decodeCheckpoint, encodeCheckpoint, sha256Hex, vit } from 'retrograd';
import type { ImageBatch, TextBatch, VitConfig } from 'retrograd';
import { verify } from 'retrograd/verify';
export async function save(trainer: Trainer<TextBatch>): Promise<Blob> {
  const file = await encodeCheckpoint({
    tensors: trainer.tensors(), options: trainer.options, step: trainer.steps,
    vocabulary: Vocabulary.bytes().toJson(), dataSha256: await sha256Hex(new Uint8Array(0)),
    libraryVersion: '0.1.0',
  });
  return new Blob([file]);
}
export async function load(file: Uint8Array): Promise<Trainer> {
  const { options, step, tensors } = await decodeCheckpoint(file);
  const trainer = Trainer.create(options);
  trainer.restore(tensors, step);
  return trainer;
}
export async function loadImages(file: Uint8Array): Promise<Trainer<ImageBatch> | undefined> {
  const { options } = await decodeCheckpoint(file);
  const { name, config } = options.model;
  console.log(name, verify().equal);
  if (name !== 'vit') return undefined;
  return Trainer.create({ ...options, model: vit(config as VitConfig) });
}
`;

function strict(project, module, moduleResolution) {
  const name = `strict-${moduleResolution}`;
  const compilerOptions = {
    module,
    moduleResolution,
    target: 'es2022',
    lib: ['es2022', 'dom'],
    types: [],
    strict: true,
    skipLibCheck: false,
    noEmit: true,
    exactOptionalPropertyTypes: true,
    isolatedModules: true,
    noUncheckedIndexedAccess: true,
    noPropertyAccessFromIndexSignature: true,
  };
  writeFileSync(join(project, `${name}.ts`), STRICT);
  const config = { compilerOptions, files: [`${name}.ts`] };
  writeFileSync(join(project, `${name}.json`), JSON.stringify(config));
  const program = join(project, 'node_modules/typescript/bin/tsc');
  run(process.execPath, [program, '-p', `${name}.json`], { cwd: project });
}

/** Whether require() of a module works in a Node. */
function hasRequireOfModules(version) {
  const [major, minor] = version.split('.').map(Number);
  return major > 22 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19);
}

/** The README's example as train.mjs, require() where Node has it, verify, and the command line. */
async function nodes(project) {
  const common = join(project, 'common');
  mkdirSync(common, { recursive: true });
  writeFileSync(join(common, 'package.json'), '{ "type": "commonjs" }'); // as npm init writes it
  writeFileSync(join(common, 'train.mjs'), example.code);
  writeFileSync(join(common, 'require.js'), "console.log(typeof require('retrograd').Trainer);");
  for (const version of NODES) {
    const [node] = await installNode(version);
    same(run(node, [join(common, 'train.mjs')]));
    const { stdout, stderr } = spawnSync(node, [join(common, 'require.js')], { encoding: 'utf8' });
    const expected = hasRequireOfModules(version) ? /^function\n/ : /ERR_REQUIRE_ESM/;
    const said = `${stdout}${stderr}`;
    if (!expected.test(said)) throw new Error(`Node ${version}: require says ${said}`);
    const report = run(node, [join(project, 'node_modules/retrograd/dist/cli.js'), 'verify']);
    if (!/equal/.test(report)) throw new Error(`Node ${version}: ${report}`);
  }
}

const UNCAUGHT = {
  option: ['retrograd', 'Trainer.create({ model: gpt(model), batch: -1, steps: 1 });'],
  type: ['retrograd', 'Trainer.create({ model: null, batch: 1, steps: 1 });'],
  misspelt: ['retrograd', 'Trainer.create({ model: gpt(model), batch: 1, steps: 1, lr: 1 });'],
  file: ['retrograd', 'await decodeCheckpoint(new Uint8Array(100));'],
  text: ['retrograd', 'readText(Uint8Array.of(255), { context: 4 });'],
  pairs: ['retrograd', 'readPairs(Uint8Array.of(65, 10));'],
};
const uncaughtCode = ([entry, code]) => `import * as library from '${entry}';
const { Trainer, decodeCheckpoint, gpt, readPairs, readText } = library;
const model = { vocabulary: 9, layers: 1, channels: 8, heads: 2, context: 4 };
${code}
`;

/** Its class and message, in at most 2 kB, whoever prints it. */
function uncaught(project) {
  const bin = (name) => join(project, 'node_modules/.bin', name);
  const node = [process.execPath];
  const runtimes = { node, deno: [bin('deno'), 'run', '-A'], bun: [bin('bun')] };
  for (const what of Object.keys(UNCAUGHT)) {
    writeFileSync(join(project, 'uncaught.mjs'), uncaughtCode(UNCAUGHT[what]));
    for (const [runtime, [program, ...words]] of Object.entries(runtimes)) {
      const given = { cwd: project, encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' } };
      const { status, stderr } = spawnSync(program, [...words, 'uncaught.mjs'], given);
      const size = Buffer.byteLength(stderr);
      // Bun tells no class.
      const name = runtime === 'bun' ? /error: /i : /(Usage|Checkpoint)Error: /;
      const isNamed = name.test(stderr);
      if (status !== 1 || size > 2000 || !isNamed) {
        throw new Error(`${runtime}, ${what}: exit ${status}, ${size} bytes\n${stderr}`);
      }
    }
  }
}

/** By git, with nothing built beforehand: the same files as the tarball has. */
function git(project) {
  const folder = join(project, 'from-git');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }');
  const commit = execFileSync('git', ['rev-parse', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
  npm(['install', `git+file://${root}#${commit}`, ...quiet], { cwd: folder });
  const list = (base) => readdirSync(join(base, 'node_modules/retrograd'), { recursive: true });
  const [given, packed] = [folder, project].map((base) => list(base).sort().join('\n'));
  if (given !== packed) throw new Error(`other files than the tarball's:\n${given}`);
  writeFileSync(join(folder, 'train.mjs'), example.code);
  same(run(process.execPath, ['train.mjs'], { cwd: folder }));
}

/** A clean clone is packed in `folder`: what npm publish would send. Returns the tarball's path. */
export function packClone(folder) {
  const clone = join(folder, 'clone');
  execFileSync('git', ['clone', '--quiet', root, clone]);
  const output = npm(['pack', '--json', '--pack-destination', folder], { cwd: clone });
  const [{ filename, files }] = JSON.parse(output);
  const dist = files.filter(({ path }) => path.startsWith('dist/'));
  if (dist.length < 30) throw new Error(`a clean clone's package has ${dist.length} files in dist`);
  return join(folder, filename);
}

export const HOSTS = {
  git,
  jest,
  'vitest vmThreads': (project) => vitest(project, 'vmThreads'),
  'vitest vmForks': (project) => vitest(project, 'vmForks'),
  'TypeScript nodenext': (project) => strict(project, 'nodenext', 'nodenext'),
  'TypeScript bundler': (project) => strict(project, 'esnext', 'bundler'),
  'every Node': nodes,
  'uncaught errors': uncaught,
};
export const HOST_NEEDS = {
  jest: ['jest'],
  'vitest vmThreads': ['vitest'],
  'vitest vmForks': ['vitest'],
  'TypeScript nodenext': ['typescript'],
  'TypeScript bundler': ['typescript'],
  'uncaught errors': ['deno', 'bun'],
};
