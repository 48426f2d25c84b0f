// npm run build: assembly/ -> build/*.wasm (asc, both targets), src/ -> dist/index.js and dist/cli.js (esbuild), dist/types (tsc).
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { readFileSync } from 'node:fs';
import asc from 'assemblyscript/asc';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);
const started = performance.now();
const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;

async function compile(target) {
  const { error, stdout, stderr } = await asc.main(['--config', 'asconfig.json', '--target', target]);
  if (error) {
    process.stderr.write(`${stdout}${stderr}`);
    throw new Error(`asc: target ${target} does not compile`);
  }
  // asc reports on stderr that its optimiser stopped at a slightly larger module than an earlier pass: harmless, so not shown.
  const warnings = stderr.toString().replace('Last converge was suboptimal.\n', '').trim();
  if (warnings) console.warn(warnings);
  console.log(`build/${target}.wasm  ${kilobytes(statSync(`build/${target}.wasm`).size)}`);
}

async function bundle(entry, outfile, options) {
  if (!existsSync(entry)) return console.log(`${outfile}  skipped: there is no ${entry}`);
  await build({
    entryPoints: [entry], outfile, bundle: true, format: 'esm', target: 'es2022', minify: true, sourcemap: true,
    loader: { '.wasm': 'binary' }, logLevel: 'warning', ...options,
  });
  const bytes = readFileSync(outfile);
  console.log(`${outfile}  ${kilobytes(bytes.length)}, ${kilobytes(gzipSync(bytes).length)} gzipped`);
}

/** CommonJS packages in the bundle call require for Node's own modules, which ES modules do not have. */
const CLI_BANNER = `#!/usr/bin/env node
import { createRequire as __createRequire } from 'node:module';
const require = __createRequire(import.meta.url);`;

function declarations(entry) {
  if (!existsSync(entry)) return;
  execFileSync(process.execPath, [
    'node_modules/typescript/bin/tsc', '--project', 'tsconfig.build.json',
  ], { stdio: 'inherit' });
  console.log('dist/types');
}

mkdirSync('build', { recursive: true });
rmSync('dist', { recursive: true, force: true });
await compile('release');
await compile('checked');
await bundle('src/index.ts', 'dist/index.js', { platform: 'neutral' });
await bundle('src/cli/main.ts', 'dist/cli.js', { platform: 'node', banner: { js: CLI_BANNER } });
declarations('src/index.ts');
console.log(`built in ${((performance.now() - started) / 1000).toFixed(1)} s`);
