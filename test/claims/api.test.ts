// npm run api writes a page for each entry with a heading for everything that is exported.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ENTRIES } from '../../.ci/entries.mjs';
import { publicNames } from '../helpers/api-docs.ts';

const root = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'retrograd-api-pages-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const words = ['docs/generate/api.mjs', folder];
const { status, stderr } = spawnSync(process.execPath, words, { cwd: root, encoding: 'utf8' });

const read = (page: string): string => readFileSync(join(folder, page), 'utf8');
const headings = (page: string): string[] =>
  [...read(page).matchAll(/^### ([\w\\]+)/gm)].map(([, name]) => name.replaceAll('\\', ''));

describe('npm run api', () => {
  test('says nothing but what it wrote', () => {
    expect({ status, stderr: stderr.slice(-1000) }).toEqual({ status: 0, stderr: '' });
  });

  test.each([
    ['retrograd', 'retrograd.md'],
    ...ENTRIES.map((name) => [`retrograd/${name}`, `${name}.md`]),
  ])('%s has a page with a heading for every public name, and for no other', (entry, page) => {
    const names = publicNames().filter((one) => one.entry === entry);
    expect(headings(page).sort()).toEqual(names.map(({ name }) => name).sort());
  });

  test('every link leads to a heading of one of the pages', () => {
    const anchors = (page: string): string[] => {
      const seen = new Map<string, number>(); // a second one of a name ends with -1
      return [...read(page).matchAll(/^#+ (.+)$/gm)].map(([, title]) => {
        const name = title
          .toLowerCase()
          .replace(/[^a-z0-9 -]/g, '')
          .replaceAll(' ', '-');
        const before = seen.get(name) ?? 0;
        seen.set(name, before + 1);
        return before === 0 ? name : `${name}-${before}`;
      });
    };
    const pages = ['retrograd', ...ENTRIES].map((name) => `${name}.md`);
    const broken = pages.flatMap((page) =>
      [...read(page).matchAll(/\]\(([\w.]*)#([^)]+)\)/g)]
        .filter(([, to, anchor]) => !anchors(to === '' ? page : to).includes(anchor))
        .map(([whole]) => `${page}: ${whole}`),
    );
    expect(broken).toEqual([]);
  });
});
