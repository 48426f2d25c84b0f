// Pages that show files of the repository.

import { readFileSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { ROOT } from '../../bench/stamp.mjs';
import { between, filesIn, sourcePage } from './links.mjs';

const LANGUAGES = {
  '.cjs': 'js',
  '.html': 'html',
  '.css': 'css',
  '.js': 'js',
  '.json': 'json',
  '.mjs': 'js',
  '.mts': 'ts',
  '.py': 'python',
  '.toml': 'toml',
  '.ts': 'ts',
  '.yml': 'yaml',
};
/** Colours of longer files would make the page heavy. */
const MOST_COLOURED = 40_000;

/** A file as a block of code. */
export function codeOf(file) {
  const text = readFileSync(join(ROOT, file), 'utf8').trimEnd();
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = '`'.repeat(longest + 1);
  const language = text.length > MOST_COLOURED ? 'txt' : (LANGUAGES[extname(file)] ?? 'txt');
  return `${fence}${language}\n${text}\n${fence}`;
}

const head = (title) =>
  `---\ntitle: ${JSON.stringify(title)}\nsearch: false\noutline: false\nprev: false\n` +
  `next: false\n---\n\n# ${title.replaceAll('_', '\\_')}\n\n`;

/** Page -> text, of files, of folders and of what is in them. */
export function sourcePages(paths) {
  const pages = new Map();
  for (const path of paths) {
    const files = filesIn(path);
    for (const file of files)
      pages.set(sourcePage(file), `${head(file)}A file of the repository.\n\n${codeOf(file)}\n`);
    const isFolder = files.length !== 1 || files[0] !== path;
    if (!isFolder) continue;
    const page = sourcePage(path);
    const list = files.map(
      (file) => `- [${file.slice(path.length + 1)}](${between(page, sourcePage(file))})`,
    );
    pages.set(page, `${head(`${basename(path)}/`)}${list.join('\n')}\n`);
  }
  return pages;
}
