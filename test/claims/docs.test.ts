// What README.md, CHANGELOG.md and docs/ say must be so: generated blocks are up to date, links
// lead somewhere, files and npm scripts that are named exist, and nothing of the machine they were
// written on is left in them.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const documents = [
  'README.md',
  'CHANGELOG.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const withoutCode = (text: string): string => text.replace(/^```[\s\S]*?^```$/gm, '');

/** The anchors that headings of a document get. */
const anchors = (file: string): string[] =>
  [...withoutCode(read(file)).matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} -]/gu, '')
      .replaceAll(' ', '-'),
  );

/** Every match of a pattern in the documents, as [document, first group]. */
const mentions = (pattern: RegExp, prepare = withoutCode): [string, string][] =>
  documents.flatMap((file) =>
    [...prepare(read(file)).matchAll(pattern)].map((m): [string, string] => [file, m[1]]),
  );

describe('documents', () => {
  test('there are the 7 documents of the design and the README is within 200 lines', () => {
    for (const name of [
      'architecture',
      'number-formats',
      'reversibility',
      'kernels',
      'checkpoint-format',
      'development',
      'decisions',
    ])
      expect(documents).toContain(`docs/${name}.md`);
    expect(read('README.md').split('\n').length).toBeLessThanOrEqual(200);
  });

  test('0 generated blocks and charts are stale', () => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['docs/generate/docs.mjs', '--check'],
      {
        cwd: root,
        encoding: 'utf8',
      },
    );
    expect(stderr.slice(-500) + stdout).toMatch(/^0 stale of \d+ documents/);
    expect(status).toBe(0);
  });

  test('every relative link leads to a file, and to a heading if it names one', () => {
    const links = mentions(/\]\(([^)\s]+)\)/g).filter(([, target]) => !/^https?:/.test(target));
    expect(links.length).toBeGreaterThan(30);
    const broken = links.filter(([file, target]) => {
      const [path, anchor] = target.split('#');
      const to = path === '' ? file : join(dirname(file), path);
      return !existsSync(join(root, to)) || (anchor !== undefined && !anchors(to).includes(anchor));
    });
    expect(broken).toEqual([]);
  });

  test('every file, folder or entry of the package named in code font exists', () => {
    const entries = Object.keys(JSON.parse(read('package.json')).exports).map(
      (entry) => `retrograd${entry.slice(1)}`,
    );
    const paths = mentions(/`((?:\.?[\w-]+\/)+[\w.-]*)`/g).filter(
      ([, path]) => !path.startsWith('DIR/') && !entries.includes(path),
    );
    expect(paths.length).toBeGreaterThan(20);
    expect(
      paths.filter(
        ([file, path]) =>
          !existsSync(join(root, path)) && !existsSync(join(root, dirname(file), path)),
      ),
    ).toEqual([]);
  });

  test('every command names a script that exists', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const everything = (text: string): string => text;
    const named = [
      ...mentions(/npm run ([\w:-]+)/g, everything),
      ...mentions(/npm (start|test)\b/g, everything),
    ];
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter(([, script]) => scripts[script] === undefined)).toEqual([]);
    const files = mentions(/node ([\w./-]+\.(?:mjs|js))/g, everything);
    expect(files.length).toBeGreaterThan(5);
    expect(files.filter(([, file]) => !existsSync(join(root, file)))).toEqual([]);
  });

  test('a filter in `npm test -- ...` selects a test file', () => {
    const tests = readdirSync(join(root, 'test'), { recursive: true })
      .map(String)
      .filter((name) => name.endsWith('.test.ts'));
    const filters = mentions(/`npm test -- ([^`]+)`/g).flatMap(([file, words]) =>
      words.split(' ').map((word): [string, string] => [file, word]),
    );
    expect(filters.length).toBeGreaterThan(3);
    expect(
      filters.filter(([, word]) => !tests.some((name) => `test/${name}`.includes(word))),
    ).toEqual([]);
  });

  test('no document names a path of one machine', () => {
    expect(
      mentions(/(?<![\w.])(\/(?:home|work|root|tmp|Users|usr)\/\S*)/g, (text) => text),
    ).toEqual([]);
  });
});
