// Where a link of a document leads in the site. A document is a page, an example is on its page, a
// chart stays a chart; any other file of the repository becomes a page that shows its text as it
// was when the site was built, so that no link depends on a server of others.

import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';
import { ROOT } from '../../bench/stamp.mjs';
import { APPS, DOCUMENTS, MADE, pageOf } from './navigation.mjs';

const EXAMPLES = 'docs/examples';
/** Pages that typedoc writes are not in the repository. */
const isMade = (file) => MADE[file] !== undefined || file.startsWith('docs/api/');

/** The page that shows the text of a file, or what is in a folder. No point is left in its name:
 *  index.html would be another page. */
export const sourcePage = (path) =>
  statSync(join(ROOT, path)).isDirectory()
    ? `source/${path}/index.md`
    : `source/${posix.join(posix.dirname(path), posix.basename(path).replaceAll('.', '-'))}.md`;

/** A relative link of a file as { to, isApp, source }: where it leads, from the site's root;
 *  source, if that shows a file of the repository. Throws if there is no such file. */
export function targetOf(link, file) {
  const [path, anchor] = link.split('#');
  const to = path === '' ? file : posix.join(posix.dirname(file), path).replace(/\/$/, '');
  const hash = anchor === undefined ? '' : `#${anchor}`;
  if (to.startsWith('..') || !(isMade(to) || existsSync(join(ROOT, to))))
    throw new Error(`${file}: the link ${link} leads nowhere`);
  if (DOCUMENTS.includes(to) || isMade(to)) return { to: pageOf(to) + hash };
  if (APPS[to] !== undefined) return { to: APPS[to], isApp: true };
  if (to === EXAMPLES) return { to: 'examples.md' };
  if (/^docs\/[\w-]+\.svg$/.test(to)) return { to: to.slice('docs/'.length) };
  return { to: sourcePage(to) + hash, source: to };
}

/** A link from a page to a place of the site. */
export const between = (page, to) => {
  const found = posix.relative(posix.dirname(page), to.split('#')[0]) || posix.basename(to);
  const hash = to.includes('#') ? to.slice(to.indexOf('#')) : '';
  return (found.startsWith('.') ? found : `./${found}`) + hash;
};

const FENCE = /^(```[\s\S]*?^```)$/m;
/** Links and images, not the code between them. */
const LINK = /(`[^`\n]*`)|\]\(([^)\s]+)\)/g;

/** A document as the page of it: links lead to pages. `sources` gets what is shown beside. */
export function rewrite(text, file, page, sources) {
  const relink = (part) =>
    part.replace(LINK, (whole, code, link) => {
      if (code !== undefined || /^[a-z]+:/.test(link)) return whole;
      const { to, isApp, source } = targetOf(link, file);
      if (source !== undefined) sources.add(source);
      return `](${between(page, to)})${isApp ? '{target="_self"}' : ''}`;
    });
  return text
    .split(FENCE)
    .map((part, i) => (i % 2 === 0 ? relink(part) : part))
    .join('');
}

/** A file, or the files of a folder and of those in it. */
export function filesIn(path) {
  if (!statSync(join(ROOT, path)).isDirectory()) return [path];
  return readdirSync(join(ROOT, path))
    .filter((name) => !['node_modules', 'build', 'dist'].includes(name))
    .sort()
    .flatMap((name) => filesIn(`${path}/${name}`));
}
