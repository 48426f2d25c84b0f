// The package as a user gets it: packed, installed into a fresh project, type-checked, bundled.
// What needs other runtimes and bundlers is test/package/embed.mjs.

import { spawnSync } from 'node:child_process';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ENTRIES } from '../../.ci/entries.mjs';
import { MOST_BYTES, pageSizes } from '../../bench/page-size.mjs';
import { runsAll } from '../helpers/all.ts';
import { CONSUMER } from './consumer.ts';
import { createProject, npm, pack, readmeExample, root, run } from './project.mjs';

const folder = mkdtempSync(join(tmpdir(), 'retrograd-package-'));
const example = readmeExample();
let files: string[] = [];
let project = '';
beforeAll(() => {
  const packed = pack(folder);
  files = packed.files;
  project = createProject(join(folder, 'project'), packed.tarball);
}, 300_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
/** Ten steps on one thread, and on two once the second is up. */
const VIT = `import { Trainer, vit } from 'retrograd';
const sizes = { width: 4, height: 4, colours: 1, classes: 2 };
const model = vit({ ...sizes, patch: 2, layers: 2, channels: 8, heads: 2 });
const images = new Uint8Array(32).fill(255, 0, 16), labels = Int32Array.of(0, 1), digests = [];
let threads = 1;
const create = (threads) => Trainer.create({ model, batch: 2, steps: 10, threads });
for (const trainer of [1, 2].map(create)) {
  await trainer.ready();
  threads = Math.max(threads, trainer.threads);
  while (trainer.steps < 10) trainer.step({ images, labels });
  digests.push(await trainer.weightsSha256());
  trainer.close();
  if (trainer.options.threads === 2)
    console.log(threads, digests[0] === digests[1], trainer.totals.mismatchedElements);
}
`;
/** The same of a model of one's own, whose worker is a module that serves it. */
const OWN = {
  'own.mjs': `import { crossEntropy, defineModel, linear, patches, relu } from 'retrograd';
export default defineModel('own', ({ width }) => ({
  input: patches({ width: 4, height: 4, colours: 1, patch: 4 }),
  layers: [linear(width, { name: 'in' }), relu(), linear(2, { name: 'out' })],
  loss: crossEntropy({ targets: ({ labels }) => labels }),
}));
`,
  'own-thread.mjs': `import { serve } from 'retrograd/thread';
import own from './own.mjs';
serve(own);
`,
};

describe('the package', () => {
  test('holds what it needs and nothing else; 0 runtime dependencies', () => {
    expect(manifest.dependencies).toBeUndefined();
    expect(manifest.sideEffects).toBe(false);
    const stray = files.filter(
      (file) => !/^dist\/|^(README\.md|LICENSE|CHANGELOG\.md|package\.json)$/.test(file),
    );
    expect(stray).toEqual([]);
    const targets = JSON.stringify([manifest.exports, manifest.bin]).match(/dist\/[\w./-]+/g) ?? [];
    expect(targets.length).toBeGreaterThan(6);
    expect(targets.filter((target) => !files.includes(target))).toEqual([]);
    for (const file of [
      'dist/serve.js',
      'dist/types/serve.d.ts',
      'dist/thread.js',
      'dist/kernels.wasm',
      'dist/kernels-int8.wasm',
      'dist/kernels-image.wasm',
      'dist/index.js.map',
      'LICENSE',
    ])
      expect(files).toContain(file);
  });

  test.runIf(runsAll)(
    'npm packs a clean clone with everything built, and prints nothing but its JSON',
    () => {
      const clone = join(folder, 'clone');
      run('git', ['clone', '--quiet', '--depth', '1', `file://${root}`, clone]);
      // not fetched again
      symlinkSync(join(root, 'node_modules'), join(clone, 'node_modules'), 'junction');
      const [packed] = JSON.parse(npm(['pack', '--json', '--dry-run'], { cwd: clone }));
      const paths = packed.files.map(({ path }: { path: string }) => path);
      expect(paths.filter((path: string) => !path.startsWith('dist/types/')).sort()).toEqual(
        files.filter((path) => !path.startsWith('dist/types/')).sort(),
      );
      expect(paths).toContain('dist/types/index.d.ts');
    },
    600_000,
  );

  test('the licence of every package with code in a bundle is in dist/THIRD-PARTY-LICENSES', () => {
    const dist = join(project, 'node_modules/retrograd/dist');
    const maps = readdirSync(dist).filter((name) => name.endsWith('.map'));
    const sources = maps.flatMap(
      (name): string[] => JSON.parse(readFileSync(join(dist, name), 'utf8')).sources,
    );
    const names = sources.map((source) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(source)?.[1]);
    const packages = [...new Set(names)].filter((name) => name !== undefined);
    expect(packages).toContain('commander');
    expect(packages).toContain('@assemblyscript/loader');
    const text = readFileSync(join(dist, 'THIRD-PARTY-LICENSES'), 'utf8');
    const isThere = (name: string): boolean => {
      const folder = join(root, 'node_modules', name);
      const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      const files = readdirSync(folder).filter((file) => /^licen[cs]e/i.test(file));
      return (
        text.includes(`${name} ${version} (${license})`) &&
        files.every((file) => text.includes(readFileSync(join(folder, file), 'utf8').trim()))
      );
    };
    expect(packages.filter((name) => !isThere(name))).toEqual([]);
    expect(text).toContain('Apache License'); // the loader's, which brings no file of its own
  });

  test('a page loads 40 kB for README’s example, 55 kB with all models and rules', async () => {
    const { example, everything } = await pageSizes();
    const all = everything.gzipped;
    console.log(`gzipped, README's example: ${example.gzipped}; everything: ${all}`);
    expect(example.gzipped).toBeLessThanOrEqual(MOST_BYTES.example);
    expect(everything.gzipped).toBeLessThanOrEqual(MOST_BYTES.everything);
  });

  test.each(ENTRIES)('the entry %s adds 25 kB at most', (name) => {
    const { length } = gzipSync(readFileSync(join(root, `dist/${name}.js`)), { level: 9 });
    console.log(`gzipped, ${name}.js: ${length}`);
    expect(length).toBeLessThanOrEqual(25_000);
  });

  test('publint and are-the-types-wrong find nothing', () => {
    const [publint, attw] = ['publint/src/cli.js', '@arethetypeswrong/cli/dist/index.js'].map(
      (path) => join(root, 'node_modules', path),
    );
    expect(
      run(process.execPath, [
        publint,
        'run',
        join(project, 'node_modules/retrograd'),
        '--strict',
        '--pack',
        'false',
      ]),
    ).toContain('All good!');
    const tarball = join(folder, `retrograd-${manifest.version}.tgz`);
    expect(
      run(process.execPath, [attw, tarball, '--profile', 'esm-only', '--no-color']),
    ).not.toContain('❌');
  });
});

describe('a fresh project', () => {
  test('the README’s example prints the README’s output', () => {
    writeFileSync(join(project, 'example.mjs'), example.code);
    expect(run(process.execPath, ['example.mjs'], { cwd: project })).toBe(example.output);
  });

  test('a program without WebAssembly in itself resolves to the worker files', () => {
    const resolved = (...conditions: string[]): string[] =>
      run(
        process.execPath,
        [
          ...conditions,
          '--input-type=module',
          '--eval',
          `for (const entry of ${JSON.stringify(['', 'thread', ...ENTRIES])})
            console.log(import.meta.resolve(entry ? 'retrograd/' + entry : 'retrograd'));`,
        ],
        { cwd: project },
      )
        .trim()
        .split('\n')
        .map((url) => basename(url));
    const files = ENTRIES.map((name) => `${name}.js`);
    expect(resolved()).toEqual(['index.js', 'serve.js', ...files]);
    const workers = files.map((file) => `worker-${file}`);
    expect(resolved('--conditions=workerd')).toEqual(['worker.js', 'serve.js', ...workers]);
  });

  test('a vision transformer trains on two threads as on one', () => {
    writeFileSync(join(project, 'vit.mjs'), VIT);
    expect(run(process.execPath, ['vit.mjs'], { cwd: project })).toBe('2 true 0\n');
  });

  test("a model of one's own trains on two threads as on one", () => {
    for (const [name, text] of Object.entries(OWN)) writeFileSync(join(project, name), text);
    const code = VIT.replace('Trainer, vit }', 'Trainer }')
      .replace(
        /const model = .*/,
        "import { Worker } from 'node:worker_threads';\nimport own from './own.mjs';\nconst " +
          'model = own({ width: 8 });\nconst worker = () => new Worker(new ' +
          "URL('own-thread.mjs', import.meta.url));",
      )
      .replace('steps: 10, threads }', 'steps: 10, threads, worker }');
    writeFileSync(join(project, 'train-own.mjs'), code);
    expect(run(process.execPath, ['train-own.mjs'], { cwd: project })).toBe('2 true 0\n');
  });

  test('the Node, Deno and Bun examples of docs/examples hold the README’s code', () => {
    for (const file of ['node/train.mjs', 'deno/train.ts', 'bun/train.ts'])
      expect(
        readFileSync(join(root, 'docs/examples', file), 'utf8')
          .split('\n')
          .slice(1)
          .join('\n'),
      ).toBe(example.code);
  });

  test('its commands run: verify', () => {
    const out = run(
      process.execPath,
      [join(project, 'node_modules/retrograd/dist/cli.js'), 'verify'],
      { cwd: project },
    );
    expect(out.trim().split('\n').at(-1)).toMatch(
      /^retrograd verify: equal; Node .*; [0-9a-f]{64}$/,
    );
  });

  test.each([
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler'],
  ])('strict TypeScript, module %s, resolution %s', (module, moduleResolution) => {
    const name = `consumer-${moduleResolution}`;
    writeFileSync(join(project, `${name}.ts`), CONSUMER);
    writeFileSync(
      join(project, `${name}.json`),
      JSON.stringify({
        compilerOptions: {
          module,
          moduleResolution,
          target: 'es2022',
          lib: ['es2022', 'dom'],
          types: [],
          strict: true,
          skipLibCheck: false,
          noEmit: true,
          exactOptionalPropertyTypes: true,
        },
        files: [`${name}.ts`],
      }),
    );
    run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', `${name}.json`], {
      cwd: project,
    });
  });

  const model = '{ vocabulary: 256, layers: 1, channels: 7, heads: 2, context: 4 }';
  test.each([
    ['an option', `Trainer.create({ model: gpt(${model}), batch: 1, steps: 10 })`, 'UsageError'],
    ['a file', 'await decodeCheckpoint(new Uint8Array(100))', 'CheckpointError'],
    ['a text', "readText(Uint8Array.of(255), { context: 4, what: 'the text' })", 'UsageError'],
  ])('an uncaught error of %s takes at most 2 kB and names its class', (_, code, name) => {
    const imports = "import { Trainer, decodeCheckpoint, gpt, readText } from 'retrograd';";
    const words = ['--input-type=module', '-e', `${imports}\n${code};`];
    const { stderr, status } = spawnSync(process.execPath, words, {
      cwd: project,
      encoding: 'utf8',
    });
    expect(status).toBe(1);
    expect(stderr).toMatch(new RegExp(`^${name}: `, 'm'));
    expect(Buffer.byteLength(stderr)).toBeLessThanOrEqual(2000);
  });

  test('no line of the library but texts and names is longer than 500 characters', () => {
    const entries = ENTRIES.flatMap((name) => [name, `worker-${name}`]);
    for (const file of ['index', 'worker', 'thread', 'serve', ...entries]) {
      const text = readFileSync(join(project, `node_modules/retrograd/dist/${file}.js`), 'utf8');
      const isLong = (line: string): boolean =>
        line.replace(/"[^"]*"|'[^']*'|`[^`]*`/g, '""').length > 500 &&
        !/^(function __retrogradKernels|export)\b/.test(line);
      expect(
        text
          .split('\n')
          .filter(isLong)
          .map((line) => line.slice(0, 80)),
        file,
      ).toEqual([]);
    }
  });

  test('public classes have their names, after a bundler that shortens names too', async () => {
    const peers = 'node_modules/@nats-io';
    symlinkSync(join(root, peers), join(project, peers), 'dir');
    const code = `import * as library from 'retrograd';
${ENTRIES.map((name, i) => `import * as other${i} from 'retrograd/${name}';`).join('\n')}
const textOf = (value) => Function.prototype.toString.call(value);
const isClass = (value) => typeof value === 'function' && /^class\\b/.test(textOf(value));
const entries = [library, ${ENTRIES.map((_, i) => `other${i}`)}];
const named = entries.flatMap((names) => Object.entries(names));
const classes = named.filter(([, value]) => isClass(value));
const errors = classes.filter(([, value]) => value.prototype instanceof Error);
const isWrong = ([name, value]) => value.name !== name ||
  value.prototype instanceof Error && new value('m').stack.indexOf(name) !== 0;
const wrong = classes.filter(isWrong).map(([name, value]) => name + ' is ' + value.name);
console.log(classes.length, errors.length, wrong.join());`;
    const options = {
      bundle: true,
      format: 'esm',
      minify: true,
      write: false,
      absWorkingDir: project,
    } as const;
    const {
      outputFiles: [{ text }],
    } = await build({ ...options, stdin: { contents: code, resolveDir: project } });
    for (const one of [code, text]) {
      writeFileSync(join(project, 'names.mjs'), one);
      expect(run(process.execPath, ['names.mjs'], { cwd: project })).toMatch(
        /^(?:1[5-9]|[2-9]\d) 8 \n$/,
      );
    }
  });

  test('bundled by esbuild the example prints the same; what is not used is left out', async () => {
    const options = {
      bundle: true,
      format: 'esm',
      platform: 'neutral',
      target: 'es2022',
      minify: true,
      absWorkingDir: project,
      write: false,
    } as const;
    const bundle = async (contents: string): Promise<string> =>
      (await build({ ...options, stdin: { contents, resolveDir: project } })).outputFiles[0].text;
    writeFileSync(join(project, 'bundled.mjs'), await bundle(example.code));
    expect(run(process.execPath, ['bundled.mjs'], { cwd: project })).toBe(example.output);
    const small = await bundle(
      "import { sha256Hex } from 'retrograd'; console.log(await sha256Hex(new Uint8Array(0)));",
    );
    console.log(`a bundle that uses sha256Hex alone: ${small.length} bytes`);
    expect(small.length).toBeLessThan(20_000);
    const bleu = await bundle(
      "import { corpusBleu } from 'retrograd'; console.log(corpusBleu(['a b c d'], ['a b c " +
        "d']).score.toFixed(0));",
    );
    console.log(`a bundle that uses corpusBleu alone: ${bleu.length} bytes`);
    expect(bleu.length).toBeLessThan(20_000);
    writeFileSync(join(project, 'bleu.mjs'), bleu);
    expect(run(process.execPath, ['bleu.mjs'], { cwd: project })).toBe('100\n');
    const vit = await bundle(
      "import { Trainer, vit } from 'retrograd'; console.log(Trainer, vit);",
    );
    expect(vit).not.toContain('nrefs:1'); // BLEU's signature
    expect(bleu).toContain('nrefs:1');
  });
});
