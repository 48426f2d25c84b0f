// The page of examples: each folder of docs/examples with its files, beginning with what the first
// comment of a file says. A folder that a program of its own builds is named by its place.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../bench/stamp.mjs';
import { between, filesIn, sourcePage } from './links.mjs';
import { codeOf } from './sources.mjs';

const FOLDER = 'docs/examples';
const TITLES = {
  browser: 'A page without a bundler',
  bun: 'Bun',
  'bundled-worker': "A page's worker, with esbuild",
  cloudflare: 'A Cloudflare Worker',
  deno: 'Deno',
  digits: 'Digits',
  kernel: 'A kernel of your own',
  models: 'Models, layers, rules and optimizers of your own',
  node: 'Node',
  vite: 'A Vite app',
  volunteer: 'Volunteers',
};
const ORDER = ['node', 'deno', 'bun', 'browser', 'bundled-worker', 'vite', 'cloudflare'];
const IS_BINARY = /\.gz$/;
const IS_CODE = /\.(m?[jt]s|html|toml)$/;
const MOST = 4;

const folders = () =>
  readdirSync(join(ROOT, FOLDER), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
const place = (name) => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);

/** Few files are shown as they are, many as links to their pages. */
function section(name, sources) {
  const files = filesIn(`${FOLDER}/${name}`);
  for (const file of files.filter((one) => !IS_BINARY.test(one))) sources.add(file);
  const shown = files.filter((file) => IS_CODE.test(file));
  const title = `## ${TITLES[name] ?? name}`;
  const named = (file) => file.slice(FOLDER.length + name.length + 2);
  if (shown.length <= MOST)
    return [title, ...shown.flatMap((file) => [`\`${named(file)}\``, codeOf(file)])].join('\n\n');
  const list = shown.map((file) => {
    const comment = /^(?:\/\/.*\n)+/.exec(readFileSync(join(ROOT, file), 'utf8'))?.[0] ?? '';
    const first = comment.replace(/^\/\/ ?/gm, '').split(/(?<=[.:])\s/)[0];
    const words = first.trim().replace(/:$/, '.').replaceAll('\n', ' ').replaceAll('<', '&lt;');
    const link = `[${named(file)}](${between('examples.md', sourcePage(file))})`;
    return `- ${link}${words === '' ? '' : `: ${words}`}`;
  });
  return `${title}\n\n${list.join('\n')}`;
}

/** The page; `sources` gets the files. */
export function examplesPage(sources) {
  const names = folders().sort((a, b) => place(a) - place(b) || (a < b ? -1 : 1));
  const intro =
    'Each runs as it stands; `npm run embed` installs the package into a fresh project and ' +
    'runs all of them.';
  return `# Examples\n\n${intro}\n\n${names.map((name) => section(name, sources)).join('\n\n')}\n`;
}
