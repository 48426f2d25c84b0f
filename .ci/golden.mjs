// npm run golden: the one command that rewrites the digests of test/golden and
// src/verify/published. Whoever runs it explains the change in CHANGELOG.md. Each entry below makes
// one file; `npm run golden -- papers/` makes those only whose name has it. The build is repeated
// afterwards, because dist/cli.js contains them.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build as bundle } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** The last JSON line that a command of dist/cli.js prints. Its exit code does not matter: it
 *  compares with the old digest. */
function lastEvent(...words) {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [join(root, 'dist', 'cli.js'), ...words, '--json'],
    { encoding: 'utf8', maxBuffer: 2 ** 28 },
  );
  const event = JSON.parse(stdout.trim().split('\n').at(-1) || '{}');
  if (event.event !== 'done') throw new Error(`${words.join(' ')} did not finish: ${stderr}`);
  return event;
}

/** A module of test/helpers, bundled. */
async function helper(name) {
  const outfile = join(root, 'build', `${name}.mjs`);
  await bundle({
    entryPoints: [join(root, 'test', 'helpers', `${name}.ts`)],
    outfile,
    bundle: true,
    format: 'esm',
    target: 'es2022',
    platform: 'node',
    loader: { '.wasm': 'binary' },
    logLevel: 'warning',
  });
  return import(pathToFileURL(outfile).href);
}

/** A digest of test/conformance, by the built library and one of its entries. */
async function goldenDigest(entry, name) {
  const [library, given, own] = await Promise.all(
    ['dist/index.js', `dist/${entry}.js`, `test/conformance/${name}.js`].map(
      (file) => import(pathToFileURL(join(root, file)).href),
    ),
  );
  return { digest: await own[`${name}Digest`](library, given) };
}

const PAPERS = 'docs/examples/papers';
/** The short run of one of the papers' systems. */
const paper = async (name) => {
  const { brief } = await import(pathToFileURL(join(root, PAPERS, name, 'test.mjs')).href);
  return { digest: await brief({}) };
};
const papers = readdirSync(join(root, PAPERS), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => [`${PAPERS}/${name}/golden.json`, () => paper(name)]);

/** File → its content. */
const GOLDEN = {
  'src/verify/published/demo.json': () => {
    const { steps, parameters, textSha256, weightsSha256 } = lastEvent('demo');
    return { steps, parameters, textSha256, weightsSha256 };
  },
  'test/golden/runs.json': async () => (await helper('golden-runs')).goldenRuns(),
  'test/golden/models.json': async () => (await helper('golden-models')).goldenModels(),
  'test/golden/tokens.json': () => goldenDigest('tokenizer', 'tokens'),
  'test/golden/logits.json': () => goldenDigest('generate', 'logits'),
  'test/golden/int8.json': () => goldenDigest('index', 'int8'),
  'test/golden/receipt.json': () => goldenDigest('receipt', 'receipt'),
  'test/golden/archives.json': () => goldenDigest('codec', 'archives'),
  'src/verify/published/conformance.json': async () =>
    (await helper('golden-conformance')).goldenConformance(),
  ...Object.fromEntries(papers),
};

const [asked = ''] = process.argv.slice(2);
for (const [file, make] of Object.entries(GOLDEN).filter(([name]) => name.includes(asked))) {
  const path = join(root, file);
  const before = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const value = await make();
  const after = typeof value === 'string' ? value : `${JSON.stringify(value, null, 2)}\n`;
  writeFileSync(path, after);
  console.log(`${file}: ${after === before ? 'unchanged' : `changed\n${after.slice(0, 2000)}`}`);
}
const build = spawnSync(process.execPath, [join(root, '.ci', 'build.mjs')], {
  cwd: root,
  stdio: 'inherit',
});
process.exitCode = build.status ?? 1;
