// The papers' systems of docs/examples/papers: what is in their folders, and what their tests say
// in every runtime that is here. Each runs what esbuild bundles of them and the built library.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inBrowser } from '../package/pages.mjs';
import { installedProgram, run } from './project.mjs';

const ROOT = join(import.meta.dirname, '../..');
const PAPERS = join(ROOT, 'docs/examples/papers');
const NAMES = readdirSync(PAPERS, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);
const FILES = ['README.md', 'golden.json', 'model.mjs', 'table.mjs', 'test.mjs'];
/** What files may import; all others public names and one another. */
const IMPORTS: Record<string, RegExp> = {
  'model.mjs': /^(retrograd(\/[\w-]+)?|\.\.\/latent\.mjs)$/,
  'table.mjs': /^(retrograd(\/[\w-]+)?|\.{1,2}\/[\w-]+\.mjs|node:\w+)$/,
};
const OTHERS_MAY =
  /^(retrograd(\/[\w-]+)?|\.\/[\w-]+\.mjs|\.\.\/(apply|latent|autoencoder|covariance)\.mjs)$/;
const HEADINGS = ['## Method', '## In integers', '## Beside the paper', '## Again'];

interface Told {
  layers: Record<string, Record<string, number> | string>;
  rules: Record<string, boolean | string>;
  facts: Record<string, boolean | string>;
  digests: { whole: string; parts: string };
}

const entry = `
import { look } from './test/openness/papers.mjs';
${NAMES.map((name, i) => `import * as s${i} from '${PAPERS}/${name}/test.mjs';`).join('\n')}
const found = {};
for (const [name, system] of Object.entries({ ${NAMES.map((name, i) => `'${name}': s${i}`)} }))
  found[name] = await look(system);
const text = JSON.stringify(found);
if (typeof document === 'undefined') console.log(text);
else await fetch('/told', { method: 'POST', body: text });
`;

const read = (name: string, file: string): string => readFileSync(join(PAPERS, name, file), 'utf8');

let folder = '';
let here: Record<string, Told> = {};

beforeAll(async () => {
  mkdirSync(join(ROOT, 'build'), { recursive: true });
  folder = mkdtempSync(join(ROOT, 'build', 'papers-'));
  await build({
    stdin: { contents: entry, resolveDir: ROOT },
    outfile: join(folder, 'papers.mjs'),
    bundle: true,
    format: 'esm',
    target: 'es2022',
    external: ['node:*'],
    logLevel: 'error',
  });
  here = JSON.parse(run(process.execPath, [join(folder, 'papers.mjs')]));
}, 300_000);
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe.each(NAMES)('%s', (name) => {
  test('has its files, of at most 150 lines of at most 100 columns', () => {
    const files = readdirSync(join(PAPERS, name));
    expect(files).toEqual(expect.arrayContaining(FILES));
    for (const file of files.filter((each) => each.endsWith('.mjs'))) {
      const lines = read(name, file).trimEnd().split('\n');
      expect(lines.length, file).toBeLessThanOrEqual(150);
      expect(lines.filter((line) => line.length > 100)).toEqual([]);
    }
  });

  test('imports public names only', () => {
    for (const file of readdirSync(join(PAPERS, name)).filter((each) => each.endsWith('.mjs')))
      for (const [, from] of read(name, file).matchAll(/from '([^']+)'/g))
        expect(from, file).toMatch(IMPORTS[file] ?? OTHERS_MAY);
  });

  test('says method, integers and where the paper is better', () => {
    const lines = read(name, 'README.md').split('\n');
    expect(lines).toEqual(expect.arrayContaining(HEADINGS));
  });

  test('gradients of its layers are those of differences, and no sample sees another', () => {
    for (const [layer, cosines] of Object.entries(here[name].layers))
      expect(Object.values(cosines), `${layer}: ${cosines}`).toSatisfy((all: unknown[]) =>
        all.every((cosine) => typeof cosine === 'number' && cosine >= 0.999),
      );
    expect(Object.keys(here[name].layers).length).toBeGreaterThan(0);
    for (const found of Object.values(here[name].rules)) expect(found).toBe(true);
  });

  test('what its test says is so', () => {
    const { facts } = here[name];
    expect(Object.keys(facts).length).toBeGreaterThan(0);
    expect(facts).toEqual(Object.fromEntries(Object.keys(facts).map((fact) => [fact, true])));
  });

  test('a short run has the digest that is kept, whole and sample by sample', () => {
    const { digest } = JSON.parse(read(name, 'golden.json'));
    expect(here[name].digests).toEqual({ whole: digest, parts: digest });
  });
});

/** Runtimes of the command line beside Node. */
const OTHERS = { deno: ['run', '-A'], bun: [] };

describe.each(Object.entries(OTHERS))('%s', (runtime, words) => {
  const program = installedProgram(runtime);
  test.skipIf(program === undefined)('says the same', () => {
    const said = run(program ?? '', [...words, join(folder, 'papers.mjs')]);
    expect(JSON.parse(said)).toEqual(here);
  });
});

describe('chromium', () => {
  test.skipIf(installedProgram('chromium') === undefined)('says the same', async () => {
    writeFileSync(
      join(folder, 'index.html'),
      '<!doctype html><script type=module src=papers.mjs></script>',
    );
    expect(JSON.parse(await inBrowser(folder, '/index.html'))).toEqual(here);
  });
});
