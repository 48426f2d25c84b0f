// Regenerates what the documents state as facts: every block between `<!-- name:begin -->` and
// `<!-- name:end -->` in README.md and docs/*.md, and the charts. The blocks are made in blocks.mjs
// from the code, the built library and bench/results/*.json.
//
//   node docs/generate/docs.mjs            rewrites what is stale
//   node docs/generate/docs.mjs --check    changes nothing, exits 1 and names the stale blocks

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, refuse } from '../../bench/stamp.mjs';
import { BLOCKS, CHARTS } from './blocks.mjs';
import { CONFORMANCE_PAGE, writeConformancePage } from './conformance-page.mjs';
import { writePerformance } from './performance-page.mjs';
import { renew } from './renew.mjs';
import { RESULTS_PAGE, writeResults } from './results-page.mjs';

const isCheck = process.argv.includes('--check');
for (const file of ['dist/index.js', 'dist/cli.js'])
  if (!existsSync(join(ROOT, file))) refuse(`${file} is missing`, 'run: npm run build');

const files = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md') && name !== RESULTS_PAGE)
    .sort()
    .map((name) => `docs/${name}`),
];
const MARK = /<!-- ([\w-]+):(begin|end) -->/g;

/** Names of the blocks of a document, in order. Throws if markers do not pair up or a name is
 *  unknown. */
function blockNames(file, text) {
  const marks = [...text.matchAll(MARK)].map(([, name, edge]) => ({ name, edge }));
  marks.forEach(({ name, edge }, i) => {
    const isPaired = edge === (i % 2 === 0 ? 'begin' : 'end') && marks[i ^ 1]?.name === name;
    if (!isPaired) throw new Error(`${file}: marker ${name}:${edge} has no partner`);
    if (!Object.hasOwn(BLOCKS, name)) throw new Error(`${file}: no generator for block ${name}`);
  });
  return marks.filter(({ edge }) => edge === 'begin').map(({ name }) => name);
}

const made = new Map();
/** The content of a block, made once. */
async function content(name) {
  if (!made.has(name)) made.set(name, await BLOCKS[name]());
  return made.get(name);
}

const stale = [];
const used = new Set();
function put(file, before, after, what) {
  if (before === after) return;
  stale.push(what);
  if (!isCheck) writeFileSync(join(ROOT, file), after);
}

for (const file of files) {
  const before = readFileSync(join(ROOT, file), 'utf8');
  let after = before;
  const changed = [];
  for (const name of blockNames(file, before)) {
    used.add(name);
    const block = `<!-- ${name}:begin -->\n${await content(name)}\n<!-- ${name}:end -->`;
    const renewed = after.replace(
      new RegExp(`<!-- ${name}:begin -->[^]*?<!-- ${name}:end -->`),
      () => block,
    );
    if (renewed !== after) changed.push(name);
    after = renewed;
  }
  put(file, before, after, `${file} (${changed.join(', ')})`);
}
const unused = Object.keys(BLOCKS).filter((name) => !used.has(name));
if (unused.length > 0) throw new Error(`blocks that no document uses: ${unused.join(', ')}`);
const charts = Object.fromEntries(Object.entries(CHARTS).map(([name, make]) => [name, make()]));
stale.push(...renew(join(ROOT, 'docs'), charts, isCheck).map((name) => `docs/${name}`));

if (!(await writeConformancePage(isCheck))) stale.push(CONFORMANCE_PAGE);
stale.push(
  ...[...writeResults({ isCheck }), ...writePerformance({ isCheck })].map((name) => `docs/${name}`),
);
console.log(
  `${stale.length} stale of ${files.length} documents and ${Object.keys(CHARTS).length} ` +
    `charts${isCheck || stale.length === 0 ? '' : ', rewritten'}`,
);
for (const what of stale) console.log(`  ${what}`);
if (isCheck && stale.length > 0) {
  console.error('HINT: run node docs/generate/docs.mjs and look at the difference');
  process.exit(1);
}
