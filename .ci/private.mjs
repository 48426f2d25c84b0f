// Short names for the library's private members, and for those of classes that no user sees.
// TypeScript's `private` ends with the types, and no bundler may then shorten what might be read
// from elsewhere: here it is known that it is not.

import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';
import { ENTRIES } from './entries.mjs';

/** Classes that neither the package's types nor its entries mention: 0.4 kB. */
const INTERNAL = [
  ...['Attention', 'Block', 'BlockSite', 'Chain', 'Engine', 'Front', 'Jobs', 'Lanes', 'Noise'],
  ...['PlannedModel', 'PlannedStream', 'Pool', 'Stack', 'Sum', 'Tail', 'Team', 'Updater'],
];

/** An interface of private members of a class, for what must reach them from beside it. */
const INSIDE = 'Inside';

const ownerOf = (node) => (ts.isParameter(node) ? node.parent.parent : node.parent);

const has = (node, keyword) =>
  ts.canHaveModifiers(node) && ts.getModifiers(node)?.some(({ kind }) => kind === keyword);

/** What only the library's own subclasses use: the declarations leave it out. */
const isInherited = (node) =>
  has(node, ts.SyntaxKind.ProtectedKeyword) &&
  ts.getJSDocTags(node).some(({ tagName }) => tagName.text === 'internal');

const isPrivate = (node) =>
  (ts.isClassLike(ownerOf(node)) && INTERNAL.includes(ownerOf(node).name?.text)) ||
  has(node, ts.SyntaxKind.PrivateKeyword) ||
  isInherited(node);

const isMember = (node) =>
  ts.isClassElement(node) ||
  ts.isTypeElement(node) ||
  ts.isObjectLiteralElement(node) ||
  (ts.isParameter(node) && ts.isParameterPropertyDeclaration(node, node.parent));

/** Adds the names of private members to `found`, with the classes that have them, and every other
 *  name of a member and every text, which may be one, to `others`. */
function visit(node, found, others) {
  const { name } = node;
  if (ts.isInterfaceDeclaration(node) && name.text === INSIDE) return;
  if (isMember(node) && name !== undefined && !ts.isComputedPropertyName(name)) {
    if (!isPrivate(node)) others.add(name.text);
    else add(found, name.text, ownerOf(node), isInherited(node));
  } else if (ts.isStringLiteralLike(node)) others.add(node.text);
  ts.forEachChild(node, (child) => visit(child, found, others));
}

function add(found, name, owner, isInherited) {
  const isSubclass = owner.heritageClauses?.some(
    ({ token }) => token === ts.SyntaxKind.ExtendsKeyword,
  );
  if (isSubclass && !isInherited)
    throw new Error(`a subclass has the private ${name}: its base's may be called the same`);
  found.set(name, (found.get(name) ?? new Set()).add(owner));
}

function read(path, found, others) {
  const text = readFileSync(path, 'utf8');
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true), found, others);
}

const filesIn = (folder, pattern) =>
  readdirSync(folder, { recursive: true })
    .filter((name) => pattern.test(name))
    .map((name) => join(folder, name));

/** The short name of each that is not among `others`, by how many classes have it, in the order of
 *  the alphabet. `owners`: of each short name the classes that have one. `also`: other classes that
 *  have such names. */
function number(found, others, owners, also = new Map()) {
  const names = [...found.keys()].filter((name) => !others.has(name));
  names.sort((a, b) => found.get(b).size - found.get(a).size || (a < b ? -1 : 1));
  return names.map((name) => {
    const classes = [...found.get(name), ...(also.get(name) ?? [])];
    const isFree = (i) => !classes.some((each) => owners[i]?.has(each));
    let short = 0;
    while (!isFree(short)) short++;
    owners[short] = new Set([...(owners[short] ?? []), ...classes]);
    return [name, `$${short.toString(36)}`];
  });
}

/** Names that only private members have, here and in the language's own types, and what they are
 *  called in a bundle: $0, $1, ... which are in the way of no subclass's. Members of different
 *  classes share a name: a text that repeats itself is compressed better. Those of the main entry
 *  come first, so that it stays the same whatever the others have. */
export function shortNames() {
  const found = new Map();
  const others = new Set();
  const isBeside = new RegExp(`^(?:cli|${ENTRIES.join('|')})[\\\\/]`);
  const files = filesIn('src', /\.ts$/).filter((path) => !/^cli/.test(relative('src', path)));
  const [beside, main] = [true, false].map((is) =>
    files.filter((path) => isBeside.test(relative('src', path)) === is),
  );
  const first = new Map();
  for (const path of main) read(path, first, others);
  for (const path of beside) read(path, found, others);
  const language = new Map();
  for (const path of filesIn('node_modules/typescript/lib', /^lib\..*\.d\.ts$/))
    read(path, language, others);
  for (const name of language.keys()) others.add(name);
  const owners = [];
  const known = number(first, others, owners, found);
  for (const name of first.keys()) found.delete(name);
  return Object.fromEntries([...known, ...number(found, others, owners)]);
}
