// npm run build: assembly/ -> build/*.wasm (asc, both targets), src/ -> dist/index.js and
// dist/cli.js (esbuild), dist/types (tsc).
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import asc from 'assemblyscript/asc';
import { build } from 'esbuild';
import { minify } from 'terser';
import ts from 'typescript';
import { ENTRIES } from './entries.mjs';
import { removeLeftovers } from './leftovers.mjs';
import { thirdPartyLicenses } from './licenses.mjs';
import { makeOf } from './made.mjs';
import { pack } from './pack.mjs';
import { shortNames } from './private.mjs';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const started = performance.now();
const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;

/** What the modules are made of. */
const KERNELS = ['assembly', 'asconfig.json', 'node_modules/assemblyscript/package.json'];

/** Those for operands of 8 bits and for images are programs of their own: bundled where they are
 *  used. */
const INT8 = 'assembly/int8';
const IMAGE = 'assembly/image';
function configOf(target) {
  if (target.startsWith('image'))
    return [`${IMAGE}/index.ts`, '--config', `${IMAGE}/asconfig.json`];
  if (!target.startsWith('int8')) return ['--config', 'asconfig.json'];
  const entry = target === 'int8' ? 'index' : 'relaxed';
  return [`${INT8}/${entry}.ts`, '--config', `${INT8}/asconfig.json`];
}

async function compile(target) {
  await makeOf(`build/${target}.wasm`, KERNELS, async () => {
    const options = [...configOf(target), '--target', target];
    const { error, stdout, stderr } = await asc.main(options);
    if (error) throw new Error(`asc: target ${target} does not compile\n${stdout}${stderr}`);
  });
  const wasm = readFileSync(`build/${target}.wasm`);
  console.log(
    `build/${target}.wasm  ${kilobytes(wasm.length)}, ${kilobytes(gzipSync(wasm).length)} gzipped`,
  );
}

/** The module as text: 11.8 kB compressed with what reads it; as characters of ASCII it took 14.7
 *  kB, as base64 21.0 kB. It comes first in a bundle: in its middle it would push the code before
 *  it out of gzip's window, and at its end share a table of lengths with code, which costs 1.1 kB.
 *  It is a function, so that bundlers leave it out where no kernel is used. */
const TEXT = 'build/release.txt';
const packRelease = () =>
  makeOf(TEXT, ['build/release.wasm', '.ci/pack.mjs'], () =>
    writeFileSync(TEXT, pack(readFileSync('build/release.wasm'))),
  );
const textOfRelease = once(
  () => `function __retrogradKernels(){return'${readFileSync(TEXT, 'latin1')}'}`,
);
const wasmAsText = {
  name: 'wasm-as-text',
  setup: (b) =>
    b.onLoad({ filter: /\.wasm$/ }, ({ path }) => {
      const bytes = readFileSync(path);
      const isRelease = basename(path) === 'release.wasm';
      const text = isRelease ? '__retrogradKernels()' : `'${pack(bytes)}'`;
      return {
        resolveDir: process.cwd(),
        contents: `import { unpack } from './src/kernels/unpack.ts';
let bytes;
export default () => (bytes ??= unpack(${text}, ${bytes.length}));`,
      };
    }),
};

function once(make) {
  let made;
  return () => (made ??= make());
}

/** What is left of the loader's functions: the kernels have numbers only, and bundlers cannot see
 *  that they need nothing for strings, arrays and classes in the module's memory. */
const LOADER = {
  postInstantiate: 'const postInstantiate = () => ({});',
  preInstantiate: 'const preInstantiate = () => {};',
  getStringImpl: '',
};
/** 2.0 kB compressed. */
const numbersOnly = {
  name: 'numbers-only',
  setup: (b) =>
    b.onLoad({ filter: /@assemblyscript[\\/]loader[\\/]index\.js$/ }, ({ path }) => {
      let contents = readFileSync(path, 'utf8');
      const replace = (pattern, by) => {
        if (!pattern.test(contents)) throw new Error(`${path} has no ${pattern}`);
        contents = contents.replace(pattern, () => by);
      };
      for (const [name, by] of Object.entries(LOADER))
        replace(new RegExp(`\nfunction ${name}\\([^]*?\n}\n`), `\n${by}\n`);
      replace(/\nconst utf16 = .*\n/, '\n');
      replace(/\nObject\.hasOwn = (?:.|\n)*?\n};\n/, '\n');
      return { contents };
    }),
};

/** For runtimes that compile no bytes: the module stays a file beside the bundle, made for private
 *  memory, as they have no threads. Its import of the memory is "env" "memory", kind 2, and the
 *  limits' flags: 3 shared, 1 private. */
function writeWorkerModule(from, path) {
  const bytes = readFileSync(from);
  const name = Buffer.from([3, ...Buffer.from('env'), 6, ...Buffer.from('memory'), 2]);
  const at = bytes.indexOf(name);
  if (at < 0 || bytes[at + name.length] !== 3)
    throw new Error(`${from} does not import a shared memory`);
  bytes[at + name.length] = 1;
  writeFileSync(path, bytes);
}
const WORKER_MODULES = {
  'release.wasm': 'kernels.wasm',
  'int8.wasm': 'kernels-int8.wasm',
  'image.wasm': 'kernels-image.wasm',
};
const wasmAsFile = {
  name: 'wasm-as-file',
  setup: (b) => b.onResolve({ filter: /\.wasm$/ }, ({ path }) => fileOf(basename(path))),
};
/** Not the relaxed build: where it is not taken, everything else would not be either. */
const fileOf = (name) =>
  name === 'int8-relaxed.wasm'
    ? { path: join(process.cwd(), '.ci/no-module.mjs') }
    : { path: `./${WORKER_MODULES[name]}`, external: true };

/** Runtimes print the line that threw an error that nobody caught, Bun five more. */
const LINE_LENGTH = 120;

const COMMON = {
  bundle: true,
  format: 'esm',
  target: 'es2022',
  minify: true,
  logLevel: 'warning',
  write: false,
  metafile: true,
};
/** Packages that whoever uses an entry of theirs has installed. */
const PEERS = Object.keys(JSON.parse(readFileSync('package.json', 'utf8')).peerDependencies);

/** Of every bundle: what is in it. */
const metafiles = [];
const namesOfPrivates = once(shortNames);

/** Names in dist of this build; the declarations are made anew as a whole. */
const kept = new Set(['types', ...Object.values(WORKER_MODULES)]);

function save(path, text) {
  kept.add(basename(path));
  if (path.endsWith('.js')) kept.add(`${basename(path)}.map`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  console.log(
    `${path}  ${kilobytes(Buffer.byteLength(text))}, ${kilobytes(gzipSync(text).length)} gzipped`,
  );
}

/** Without the fields that classes declare and do not set: lines that are a name. They are
 *  undefined without it, and it takes 0.5 kB, compressed. */
const withoutDeclarations = (code) =>
  code.replace(/^ +(?!(?:break|continue|return|debugger);)[\w$]+;$/gm, '');

/** Forms that make a text shorter and its compressed text longer. */
const FOR_GZIP = {
  sequences: false,
  inline: 1,
  join_vars: false,
  conditionals: false,
  lhs_constants: false,
};

/** A file of the library. Terser makes it shorter than esbuild does and writes newlines for
 *  semicolons; our getters have no effects. Annotations are kept (esbuild drops them with the white
 *  space): by them bundlers leave out the models that nobody imports. */
async function bundle(entry, outfile, plugins) {
  const {
    metafile,
    outputFiles: [bundledMap, bundled],
  } = await build({
    ...COMMON,
    entryPoints: [entry],
    outfile,
    sourcemap: 'external',
    platform: 'neutral',
    minify: false,
    minifySyntax: true,
    mangleProps: new RegExp(`^(${Object.keys(namesOfPrivates()).join('|')})$`),
    mangleCache: namesOfPrivates(),
    plugins: [...(plugins ?? [wasmAsText]), numbersOnly],
    external: PEERS,
  });
  metafiles.push(metafile);
  const { code, map } = await minify(withoutDeclarations(bundled.text), {
    module: true,
    ecma: 2020,
    compress: { ...FOR_GZIP, passes: 3, reduce_funcs: false, pure_getters: true },
    sourceMap: { content: bundledMap.text },
    format: { semicolons: false, max_line_len: LINE_LENGTH, preserve_annotations: true },
  });
  // what bundlers would warn of: the module of Node's threads, which is not for them
  const ours = code.replace(
    /\bimport\((\w+)\)/,
    'import(/*webpackIgnore:true*//*@vite-ignore*/$1)',
  );
  const kernels = plugins === undefined ? `${textOfRelease()}\n` : '';
  save(outfile, `${kernels}${ours}\n//# sourceMappingURL=${basename(outfile)}.map\n`);
  const lines = ';'.repeat(kernels.split('\n').length - 1);
  const parsed = JSON.parse(map);
  writeFileSync(`${outfile}.map`, JSON.stringify({ ...parsed, mappings: lines + parsed.mappings }));
}

/** Imports the library's file instead of holding it again: its names, and its errors, of which
 *  there may be one class each. */
const LIBRARY = ['src/index.ts', 'src/core/errors.ts'];
const beside = (file) => ({
  name: 'beside',
  setup: (b) =>
    b.onResolve({ filter: /\/(index|errors)\.ts$/ }, ({ path, resolveDir, kind }) => {
      const isOurs = LIBRARY.includes(relative('.', join(resolveDir, path)).replaceAll('\\', '/'));
      return isOurs && kind !== 'entry-point' ? { path: file, external: true } : undefined;
    }),
});

/** An entry's file that imports worker.js; the map is the same. */
const saveForWorkers = (name) =>
  save(
    `dist/worker-${name}.js`,
    readFileSync(`dist/${name}.js`, 'utf8').replaceAll('"./index.js"', '"./worker.js"'),
  );

/** CommonJS packages in the bundle call require for Node's own modules, which ES modules do not
 *  have. */
const CLI_BANNER = `#!/usr/bin/env node
import { createRequire as __createRequire } from 'node:module';
const require = __createRequire(import.meta.url);`;

async function bundleCommandLine(entry, outfile) {
  const {
    metafile,
    outputFiles: [map, { text }],
  } = await build({
    ...COMMON,
    entryPoints: [entry],
    outfile,
    sourcemap: true,
    platform: 'node',
    lineLimit: LINE_LENGTH,
    plugins: [wasmAsText, numbersOnly],
    banner: { js: CLI_BANNER },
    footer: { js: textOfRelease() },
  });
  metafiles.push(metafile);
  save(outfile, text);
  writeFileSync(map.path, map.text);
}

/** Declarations of the public names and what they mention. Imports by `.ts` become `.js`, which
 *  every resolver maps to `.d.ts`. */
function declarations(entries, outDir) {
  rmSync(outDir, { recursive: true, force: true });
  const { config } = ts.readConfigFile('tsconfig.json', ts.sys.readFile);
  const overrides = {
    noEmit: false,
    declaration: true,
    stripInternal: true,
    emitDeclarationOnly: true,
    outDir,
    rootDir: 'src',
  };
  const { options } = ts.convertCompilerOptionsFromJson(
    { ...config.compilerOptions, ...overrides },
    '.',
  );
  const write = (path, text) =>
    ts.sys.writeFile(path, text.replace(/(from |import\()(['"])(\.[^'"]*)\.ts\2/g, '$1$2$3.js$2'));
  const { diagnostics } = ts
    .createProgram([...entries, 'src/kernels/wasm-files.d.ts'], options)
    .emit(undefined, write);
  if (diagnostics.length > 0)
    throw new Error(
      ts.formatDiagnostics(diagnostics, {
        getCanonicalFileName: (name) => name,
        getCurrentDirectory: () => '.',
        getNewLine: () => '\n',
      }),
    );
  console.log(outDir);
}

try {
  mkdirSync('build', { recursive: true });
  await compile('release');
  await compile('checked');
  for (const target of ['int8', 'int8-relaxed', 'int8-checked', 'image', 'image-checked'])
    await compile(target);
  await packRelease();
  await bundle('src/index.ts', 'dist/index.js');
  await bundle('src/thread.ts', 'dist/thread.js');
  await bundle('src/serve.ts', 'dist/serve.js', [beside('./index.js')]);
  await bundle('src/index.ts', 'dist/worker.js', [wasmAsFile]);
  for (const [from, to] of Object.entries(WORKER_MODULES))
    writeWorkerModule(`build/${from}`, `dist/${to}`);
  for (const name of ENTRIES) {
    await bundle(`src/${name}/index.ts`, `dist/${name}.js`, [beside('./index.js')]);
    saveForWorkers(name);
  }
  if (process.env.NOCLI) kept.add('cli.js').add('cli.js.map');
  else await bundleCommandLine('src/cli/main.ts', 'dist/cli.js');
  save('dist/THIRD-PARTY-LICENSES', thirdPartyLicenses(metafiles));
  const others = ENTRIES.map((name) => `src/${name}/index.ts`);
  declarations(['src/index.ts', 'src/serve.ts', ...others], 'dist/types');
  const left = removeLeftovers('dist', kept);
  if (left.length > 0) console.log(`removed from dist: ${left.join(', ')}`);
  console.log(`built in ${((performance.now() - started) / 1000).toFixed(1)} s`);
} catch (error) {
  // esbuild has printed its own errors
  console.error(error.errors ? 'build failed' : error.message);
  process.exitCode = 1;
}
