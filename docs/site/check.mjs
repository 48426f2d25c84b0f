// Every link of the built site leads to a file of it, and to an element if it names one.

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';
import { TRAINING } from './navigation.mjs';

const ENTITIES = { '&amp;': '&', '&quot;': '"', '&#39;': "'", '&lt;': '<', '&gt;': '>' };
const decoded = (text) =>
  decodeURIComponent(text.replace(/&(?:amp|quot|#39|lt|gt);/g, (entity) => ENTITIES[entity]));
const attributes = (html, pattern) => [...html.matchAll(pattern)].map(([, value]) => value);

/** The pages of a folder, and what they are asked. */
class Site {
  constructor(folder, base) {
    this.folder = folder;
    this.base = base;
    this.ids = new Map();
    this.pages = readdirSync(folder, { recursive: true })
      .map((name) => name.replaceAll('\\', '/'))
      .filter((name) => name.endsWith('.html'))
      .sort();
  }

  read(page) {
    return readFileSync(join(this.folder, page), 'utf8');
  }

  hasId(page, id) {
    if (!this.ids.has(page))
      this.ids.set(page, new Set(attributes(this.read(page), /\sid="([^"]*)"/g)));
    return this.ids.get(page).has(id);
  }

  /** The file that a path of a page leads to, or undefined. */
  fileOf(page, path) {
    if (path === '') return page;
    if (!path.startsWith('/')) return fileOf(this.folder, posix.join(posix.dirname(page), path));
    return path.startsWith(this.base)
      ? fileOf(this.folder, path.slice(this.base.length))
      : undefined;
  }

  /** Why a link is dead, or undefined. */
  problem(page, link) {
    const [path, anchor] = decoded(link).split('#');
    const file = this.fileOf(page, path.replace(/\?.*$/, ''));
    if (file === undefined) return 'no file';
    if (!anchor || !file.endsWith('.html') || isApp(file)) return undefined;
    return this.hasId(file, anchor) ? undefined : 'no heading';
  }
}

/** Links that lead nowhere: [{ page, link, why }], and how many were looked at. */
export function deadLinks(folder, base = '/') {
  const site = new Site(folder, base);
  let looked = 0;
  const dead = site.pages.flatMap((page) => {
    const links = attributes(site.read(page), /\s(?:href|src)="([^"]+)"/g);
    const own = [...new Set(links)].filter((link) => !/^(?:[a-z]+:|\/\/)/i.test(link));
    looked += own.length;
    return own
      .map((link) => ({ page, link, why: site.problem(page, link) }))
      .filter(({ why }) => why !== undefined);
  });
  return { looked, pages: site.pages.length, dead };
}

/** What stands behind the # of these is theirs. */
const isApp = (page) => TRAINING.some((folder) => page.startsWith(`${folder}/`));

/** The file that a host serves for a path. */
function fileOf(folder, path) {
  const full = join(folder, path);
  if (!existsSync(full)) return undefined;
  if (!statSync(full).isDirectory()) return posix.normalize(path);
  const index = posix.join(path, 'index.html');
  return existsSync(join(folder, index)) ? index : undefined;
}
