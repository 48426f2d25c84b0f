// The site (docs/site): every document has its place in the navigation, every link leads to a page
// of the site, the first page has its figures from bench/results, and the service worker adds two
// headers and nothing else. What npm run site has built is looked at where it was built.

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, posix } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { ENTRIES } from '../../.ci/entries.mjs';

const root = join(import.meta.dirname, '../..');
const module = (file: string) => import(pathToFileURL(join(root, file)).href);
const { APPS, DOCUMENTS, GROUPS, MADE, pageOf, TRAINING } = await module(
  'docs/site/navigation.mjs',
);
const { between, rewrite, sourcePage, targetOf } = await module('docs/site/links.mjs');
const { HEADERS, navigation, pagesOf } = await module('docs/site/stage.mjs');
const { deadLinks } = await module('docs/site/check.mjs');
const { figures, frontPage } = await module('docs/generate/site-front.mjs');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'retrograd-site-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const reference = new Map(
  ['retrograd', ...ENTRIES].map((name) => [`docs/api/${name}.md`, `# ${name}\n`]),
);
const pages: Map<string, string> = pagesOf(reference);

describe('navigation', () => {
  test('every document of docs/ and of the first folder has one place', () => {
    const documents = [
      ...readdirSync(root).filter((name) => name.endsWith('.md')),
      ...readdirSync(join(root, 'docs'))
        .filter((name) => name.endsWith('.md'))
        .map((name) => `docs/${name}`),
      ...reference.keys(),
    ];
    expect([...DOCUMENTS].sort()).toEqual(documents.sort());
    expect(new Set(DOCUMENTS.map(pageOf)).size).toBe(DOCUMENTS.length);
  });

  test('every place has a page, and every page but the first and those of files a place', () => {
    const { sidebar, nav } = navigation();
    const links: string[] = sidebar.flatMap(({ items }: { items: { link: string }[] }) =>
      items.map(({ link }) => link),
    );
    expect(links.map((link) => `${link.slice(1)}.md`).sort()).toEqual(
      [...pages.keys()].filter((page) => page !== 'index.md' && !page.startsWith('source/')).sort(),
    );
    for (const { link } of nav)
      if (!Object.values(APPS).includes(link.slice(1))) expect(links).toContain(link);
    expect(GROUPS.flatMap((group: { pages: [] }) => group.pages).length).toBe(links.length);
    expect(Object.keys(MADE).every((page) => pages.has(page))).toBe(true);
  });
});

describe('links', () => {
  /** Relative links outside of code, as [page, link]. */
  const linksOf = (page: string, text: string): [string, string][] =>
    [
      ...text
        .replace(/^(`{3,})[\s\S]*?^\1$/gm, '')
        .replace(/`[^`\n]*`/g, '')
        .matchAll(/\]\((?![a-z]+:)([^)\s]+)\)/g),
    ].map(([, link]) => [page, link]);
  const isChart = (to: string): boolean => /\.svg$/.test(to) && existsSync(join(root, 'docs', to));
  const leads = ([page, link]: [string, string]): boolean => {
    const to = posix.join(posix.dirname(page), link.split('#')[0]);
    return pages.has(to) || Object.values(APPS).includes(to) || isChart(to);
  };

  test('of every page lead to a page, a chart or what is copied as it is', () => {
    const written = [...pages].filter(([page]) => !/^source\/.*(?<!index)\.md$/.test(page));
    const links = written.flatMap(([page, text]) => linksOf(page, text));
    expect(links.length).toBeGreaterThan(200);
    expect(links.filter((one) => !leads(one))).toEqual([]);
    expect(leads(['a/b.md', '../nowhere.md'])).toBe(false);
  });

  test('lead to the page of a document, of a file, of what is in a folder', () => {
    expect(targetOf('../README.md#install', 'docs/limits.md').to).toBe('start.md#install');
    expect(targetOf('docs/verify.html', 'README.md')).toEqual({
      to: 'verify/index.html',
      isApp: true,
    });
    expect(targetOf('../src/index.ts', 'docs/kernels.md')).toEqual({
      to: 'source/src/index-ts.md',
      source: 'src/index.ts',
    });
    expect(sourcePage('src/checkpoint')).toBe('source/src/checkpoint/index.md');
    expect(between('api/retrograd.md', 'limits.md#a')).toBe('../limits.md#a');
    expect(between('limits.md', 'limits.md#a')).toBe('./limits.md#a');
  });

  test('one that leads nowhere is refused, in code it is none', () => {
    const made = (text: string) => rewrite(text, 'docs/limits.md', 'limits.md', new Set());
    expect(() => made('[a](nowhere.md)')).toThrow('docs/limits.md: the link nowhere.md leads');
    expect(() => made('[a](../../outside.md)')).toThrow('leads nowhere');
    const code = '`[a](nowhere.md)` and\n```md\n[a](nowhere.md)\n```\n[b](https://example.org)';
    expect(made(code)).toBe(code);
  });
});

describe('the first page', () => {
  test('has 6 figures, each with a link to where it comes from', () => {
    const found: { value: string; words: string; link: string }[] = figures();
    expect(found.length).toBe(6);
    const page = frontPage();
    for (const { value, link } of found) {
      expect(page).toContain(`<strong>${value}</strong>`);
      const [target, anchor] = link.split('#');
      const headings = [...read(`docs/${target}`).matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
        title.toLowerCase().replaceAll(' ', '-'),
      );
      if (anchor !== undefined) expect(headings).toContain(anchor);
    }
    expect(page).not.toMatch(/undefined|NaN/);
  });

  test('no number of its own is in what makes it: 32 bytes of a digest and 4 GiB apart', () => {
    const words = read('docs/generate/site-front.mjs')
      .replace(/'(?:[\w-]+\.md#[\w-]+|[\w-]+)'/g, '')
      .match(/(?<=['> ])\d[\d.,]*(?= (?:×|%|[kM]i?B|ms|s|bytes|GiB|layers|times)\b)/g);
    expect(words).toEqual(['32', '4']);
  });
});

describe('the service worker', () => {
  const listeners: Record<string, (event: unknown) => void> = {};
  const calls: string[] = [];
  const self = {
    location: { origin: 'https://a.example' },
    addEventListener: (name: string, act: () => void) => {
      listeners[name] = act;
    },
    skipWaiting: () => calls.push('skipWaiting'),
    clients: { claim: () => calls.push('claim') },
  };
  let answer = new Response('');
  new Function('self', 'fetch', read('docs/site/isolation.js'))(self, () =>
    Promise.resolve(answer),
  );

  /** What the page is given, or undefined if the worker leaves the request alone. */
  async function ask(url: string, more = {}): Promise<Response | undefined> {
    let given: Promise<Response> | undefined;
    const request = { url, method: 'GET', cache: 'default', ...more };
    listeners.fetch({ request, respondWith: (one: Promise<Response>) => (given = one) });
    return given;
  }

  test('adds both headers to an answer, whose bytes, status and headers stay', async () => {
    answer = new Response('text', { status: 404, headers: { 'content-type': 'text/css' } });
    const given = await ask('https://a.example/play/style.css');
    const headers: Record<string, string> = {};
    given!.headers.forEach((value, name) => {
      headers[name] = value;
    });
    expect(headers).toEqual({
      'content-type': 'text/css',
      'cross-origin-embedder-policy': 'require-corp',
      'cross-origin-opener-policy': 'same-origin',
    });
    expect([given!.status, await given!.text()]).toEqual([404, 'text']);
  });

  test('the headers are those of the file for hosts', () => {
    for (const [, name, value] of HEADERS.matchAll(/^ {2}(Cross-Origin-.*): (.*)$/gm))
      expect(read('docs/site/isolation.js')).toContain(`'${name}': '${value}'`);
    expect(HEADERS.match(/Cross-Origin/g)?.length).toBe(2 * TRAINING.length);
    for (const folder of TRAINING) expect(HEADERS).toContain(`/${folder}/*\n`);
  });

  test('an answer without a body stays one, an error too', async () => {
    answer = new Response(null, { status: 304 });
    expect((await ask('https://a.example/play/'))!.status).toBe(304);
    answer = Response.error();
    expect(await ask('https://a.example/play/')).toBe(answer);
  });

  test('other origins, other methods and what is only in the cache are left alone', async () => {
    expect(await ask('https://b.example/play/')).toBeUndefined();
    expect(await ask('https://a.example/play/', { method: 'POST' })).toBeUndefined();
    expect(await ask('https://a.example/', { cache: 'only-if-cached' })).toBeUndefined();
  });

  test('it begins at once and takes the page over', () => {
    listeners.install({});
    listeners.activate({ waitUntil: () => undefined });
    expect(calls).toEqual(['skipWaiting', 'claim']);
  });
});

describe('links of what was built', () => {
  const put = (name: string, text: string): void => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  };

  test('a missing file and a missing heading are found, under a base too', () => {
    put('index.html', '<a href="/b/a.html#there">1</a> <a href="https://example.org">2</a>');
    put(
      'a.html',
      '<h2 id="there">x</h2><img src="gone.svg"><a href="#here">3</a><a href="/">4</a>',
    );
    expect(deadLinks(folder, '/b/')).toEqual({
      looked: 4,
      pages: 2,
      dead: [
        { page: 'a.html', link: 'gone.svg', why: 'no file' },
        { page: 'a.html', link: '#here', why: 'no heading' },
        { page: 'a.html', link: '/', why: 'no file' },
      ],
    });
  });

  const site = join(root, 'build/site');
  test.skipIf(!existsSync(join(root, 'build/site-work/base')))('none is dead in build/site', () => {
    const { looked, dead } = deadLinks(site, read('build/site-work/base'));
    expect(dead).toEqual([]);
    expect(looked).toBeGreaterThan(1000);
  });
});
