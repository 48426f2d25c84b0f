// The package as a user gets it: packed, installed into a fresh project, type-checked, bundled. What needs other runtimes and bundlers
// is test/package/embed.mjs.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createProject, pack, readmeExample, root, run } from './project.mjs';

const folder = mkdtempSync(join(tmpdir(), 'retrograd-package-')), example = readmeExample();
let files: string[] = [], project = '';
beforeAll(() => {
  const packed = pack(folder);
  files = packed.files;
  project = createProject(join(folder, 'project'), packed.tarball);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
/** What every entry's user can name. */
const CONSUMER = `import { GptTrainer, UsageError, type StepReport, type TrainOptions } from 'retrograd';
import { createWasmBackend } from 'retrograd/worker';
import { type VerifyReport, formatReport, verify } from 'retrograd/verify';
const options: TrainOptions = { model: { vocabulary: 8, layers: 1, channels: 8, heads: 1, context: 8 }, batch: 1, steps: 1 };
const step = (trainer: GptTrainer): StepReport => trainer.trainStep(new Int32Array(8), new Int32Array(8));
export const report: VerifyReport = verify(({ name, equal }) => void `+'`${name} ${equal}`'+`);
export const text: string = formatReport(report), error = new UsageError('given', 'hint');
export const all = [options, step, createWasmBackend({ pages: 1 }).kernels.hash_i32(0, 0)];
// @ts-expect-error: types are checked at all
GptTrainer.create({ steps: 'many' });
`;

describe('the package', () => {
  test('holds what it needs and nothing else; 0 runtime dependencies', () => {
    expect(manifest.dependencies).toBeUndefined();
    expect(manifest.sideEffects).toBe(false);
    const stray = files.filter((file) => !/^(dist|docs)\/|^(README\.md|LICENSE|CHANGELOG\.md|package\.json)$/.test(file));
    expect(stray).toEqual([]);
    const targets = JSON.stringify([manifest.exports, manifest.bin]).match(/dist\/[\w./-]+/g) ?? [];
    expect(targets.length).toBeGreaterThan(6);
    expect(targets.filter((target) => !files.includes(target))).toEqual([]);
    for (const file of ['dist/thread.js', 'dist/kernels.wasm', 'dist/index.js.map', 'LICENSE']) expect(files).toContain(file);
  });

  test('the main file is at most 40 kB after gzip, WebAssembly included', () => {
    const bytes = gzipSync(readFileSync(join(project, 'node_modules/retrograd/dist/index.js'))).length;
    console.log(`dist/index.js: ${bytes} bytes after gzip`);
    expect(bytes).toBeLessThanOrEqual(40_000);
  });

  test('publint and are-the-types-wrong find nothing', () => {
    const [publint, attw] = ['publint/src/cli.js', '@arethetypeswrong/cli/dist/index.js'].map((path) => join(root, 'node_modules', path));
    expect(run(process.execPath, [publint, 'run', join(project, 'node_modules/retrograd'), '--strict', '--pack', 'false'])).toContain('All good!');
    const tarball = join(folder, `retrograd-${manifest.version}.tgz`);
    expect(run(process.execPath, [attw, tarball, '--profile', 'esm-only', '--no-color'])).not.toContain('❌');
  });
});

describe('a fresh project', () => {
  test('the README’s example prints the README’s output', () => {
    writeFileSync(join(project, 'example.mjs'), example.code);
    expect(run(process.execPath, ['example.mjs'], { cwd: project })).toBe(example.output);
  });

  test('the Node, Deno and Bun examples of docs/examples hold the README’s code', () => {
    for (const file of ['node/train.mjs', 'deno/train.ts', 'bun/train.ts'])
      expect(readFileSync(join(root, 'docs/examples', file), 'utf8').split('\n').slice(1).join('\n')).toBe(example.code);
  });

  test('its commands run: verify', () => {
    const out = run(process.execPath, [join(project, 'node_modules/retrograd/dist/cli.js'), 'verify'], { cwd: project });
    expect(out.trim().split('\n').at(-1)).toMatch(/^retrograd verify: equal; Node .*; [0-9a-f]{64}$/);
  });

  test.each([['nodenext', 'nodenext'], ['esnext', 'bundler']])('strict TypeScript, module %s, resolution %s', (module, moduleResolution) => {
    const name = `consumer-${moduleResolution}`;
    writeFileSync(join(project, `${name}.ts`), CONSUMER);
    writeFileSync(join(project, `${name}.json`), JSON.stringify({ compilerOptions: { module, moduleResolution, target: 'es2022', lib: ['es2022', 'dom'], types: [], strict: true, skipLibCheck: false, noEmit: true, exactOptionalPropertyTypes: true }, files: [`${name}.ts`] }));
    run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', `${name}.json`], { cwd: project });
  });

  test('bundled by esbuild the example prints the same; what is not used is left out', async () => {
    const options = { bundle: true, format: 'esm', platform: 'neutral', target: 'es2022', minify: true, absWorkingDir: project, write: false } as const;
    const bundle = async (contents: string): Promise<string> => (await build({ ...options, stdin: { contents, resolveDir: project } })).outputFiles[0].text;
    writeFileSync(join(project, 'bundled.mjs'), await bundle(example.code));
    expect(run(process.execPath, ['bundled.mjs'], { cwd: project })).toBe(example.output);
    const small = await bundle("import { sha256Hex } from 'retrograd'; console.log(await sha256Hex(new Uint8Array(0)));");
    console.log(`a bundle that uses sha256Hex alone: ${small.length} bytes`);
    expect(small.length).toBeLessThan(20_000);
  });
});
