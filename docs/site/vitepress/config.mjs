// VitePress's configuration: copied beside the pages by stage.mjs, with navigation.json.

import { readFileSync } from 'node:fs';
import { defineConfig } from 'vitepress';

const { sidebar, nav } = JSON.parse(
  readFileSync(new URL('./navigation.json', import.meta.url), 'utf8'),
);

/** The anchor that a heading has elsewhere, so that a link is one in both places. */
const slugify = (title) =>
  title
    .toLowerCase()
    .replace(/[^\p{L}\p{N} -]/gu, '')
    .replaceAll(' ', '-');

/** Twice the same colours: on a busy machine the rest of a line would be left as it is. */
const unhurried = {
  name: 'unhurried',
  preprocess(_, options) {
    options.tokenizeTimeLimit = 0;
  },
};

export default defineConfig({
  title: 'retrograd',
  description:
    'Trains transformers in integers only: exactly reversible, the same bits on every machine.',
  lang: 'en',
  base: process.env.SITE_BASE ?? '/',
  srcDir: 'pages',
  outDir: '../site',
  cacheDir: './cache',
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  buildConcurrency: 1, // the pages of the search's index in one order
  ignoreDeadLinks: false,
  markdown: {
    anchor: { slugify },
    toc: { slugify },
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    codeTransformers: [unhurried],
  },
  vite: { logLevel: 'warn', build: { chunkSizeWarningLimit: 4000 } },
  themeConfig: {
    siteTitle: 'retrograd',
    nav,
    sidebar,
    outline: [2, 3],
    search: { provider: 'local' },
    externalLinkIcon: true,
    docFooter: { prev: 'Before', next: 'Next' },
    footer: { message: 'MIT license. Nothing on this site is loaded from elsewhere.' },
  },
});
