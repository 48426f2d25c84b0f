// Writes what VitePress builds from into a folder: the documents as pages, pages of the files that
// they link to, examples, the first page, and as they are the pages that train and the one that
// verifies.

import {
  copyFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ROOT } from '../../bench/stamp.mjs';
import { frontPage } from '../generate/site-front.mjs';
import { examplesPage } from './examples.mjs';
import { rewrite } from './links.mjs';
import { DOCUMENTS, GROUPS, MADE, pageOf, TRAINING } from './navigation.mjs';
import { sourcePages } from './sources.mjs';

const HERE = import.meta.dirname;

/** A page's name as VitePress links to it. */
const linkOf = (page) =>
  `/${(MADE[page] === undefined ? pageOf(page) : page).replace(/\.md$/, '')}`;

/** The sidebar and what stands at the top, for config.mjs. */
export function navigation() {
  const sidebar = GROUPS.map(({ text, pages }) => ({
    text,
    items: pages.map(([title, page]) => ({ text: title, link: linkOf(page) })),
  }));
  const nav = [
    { text: 'Playground', link: '/play/index.html', target: '_self' },
    { text: 'Digits', link: '/draw/index.html', target: '_self' },
    { text: 'Getting started', link: linkOf('README.md') },
    { text: 'API', link: linkOf('docs/api/retrograd.md') },
    { text: 'Performance', link: linkOf('docs/performance.md') },
  ];
  return { sidebar, nav };
}

/** The README is one page among others here: its first line says the name of the project. */
const titled = (file, text) =>
  file === 'README.md' ? text.replace(/^# retrograd$/m, '# Getting started') : text;

/** Page -> text of everything but the reference; `api` (document -> text) are its pages. */
export function pagesOf(api) {
  const sources = new Set();
  const pages = new Map([['index.md', frontPage()]]);
  pages.set('examples.md', examplesPage(sources));
  for (const file of DOCUMENTS) {
    const text = api.get(file) ?? readFileSync(join(ROOT, file), 'utf8');
    const page = pageOf(file);
    pages.set(page, rewrite(titled(file, text), file, page, sources));
  }
  for (const [page, text] of sourcePages(sources)) pages.set(page, text);
  return pages;
}

function write(file, text) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

const MAIN = '<script type="module" src="main.js"></script>';

/** A page that trains, with the service worker that isolates it. */
function copyTraining(from, to) {
  cpSync(from, to, { recursive: true });
  const html = readFileSync(join(from, 'index.html'), 'utf8');
  if (!html.includes(MAIN)) throw new Error(`the page of ${from} has no ${MAIN}`);
  write(
    join(to, 'index.html'),
    html.replace(MAIN, `<script src="../isolate.js"></script>\n${MAIN}`),
  );
}

/** The page that verifies looks for the library in ../dist. */
function copyVerify(to) {
  mkdirSync(join(to, 'verify'), { recursive: true });
  mkdirSync(join(to, 'dist'), { recursive: true });
  copyFileSync(join(ROOT, 'docs/verify.html'), join(to, 'verify/index.html'));
  for (const name of ['verify.js', 'index.js', 'THIRD-PARTY-LICENSES'])
    copyFileSync(join(ROOT, 'dist', name), join(to, 'dist', name));
}

/** For hosts that read such a file (Netlify, Cloudflare Pages and others). */
const isolated = (folder) => `/${folder}/*
  Cross-Origin-Opener-Policy: same-origin
  Cross-Origin-Embedder-Policy: require-corp
`;
export const HEADERS = `${TRAINING.map(isolated).join('')}/assets/*
  Cache-Control: public, max-age=31536000, immutable
`;

/** Fills `folder` anew, but for the installed packages; `training`: folder in the site -> built. */
export function stage(folder, { api, training }) {
  for (const name of ['pages', '.vitepress'])
    rmSync(join(folder, name), { recursive: true, force: true });
  const pages = join(folder, 'pages');
  for (const [page, text] of pagesOf(api)) write(join(pages, page), text);
  for (const name of readdirSync(join(ROOT, 'docs')).filter((file) => file.endsWith('.svg')))
    copyFileSync(join(ROOT, 'docs', name), join(pages, name));
  const asIs = join(pages, 'public');
  for (const name of TRAINING) copyTraining(training[name], join(asIs, name));
  copyVerify(asIs);
  for (const name of ['isolate.js', 'isolation.js'])
    copyFileSync(join(HERE, name), join(asIs, basename(name)));
  write(join(asIs, '_headers'), HEADERS);
  write(join(asIs, '.nojekyll'), '');
  const theme = join(folder, '.vitepress');
  mkdirSync(join(theme, 'theme'), { recursive: true });
  copyFileSync(join(HERE, 'vitepress/config.mjs'), join(theme, 'config.mjs'));
  copyFileSync(join(HERE, 'vitepress/theme.js'), join(theme, 'theme/index.js'));
  copyFileSync(join(HERE, 'vitepress/style.css'), join(theme, 'theme/style.css'));
  write(join(theme, 'navigation.json'), JSON.stringify(navigation()));
}
