// Short names for the library's private members. TypeScript's `private` ends with the types, and no
// bundler may then shorten what might be read from elsewhere: here it is known that it is not.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const isPrivate = (node) =>
  ts.canHaveModifiers(node) &&
  ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword);

const isMember = (node) =>
  ts.isClassElement(node) ||
  ts.isTypeElement(node) ||
  ts.isObjectLiteralElement(node) ||
  (ts.isParameter(node) && ts.isParameterPropertyDeclaration(node, node.parent));

/** Adds the names of private members to `found`, and every other name of a member and every text,
 *  which may be one, to `others`. */
function visit(node, found, others) {
  const { name } = node;
  if (isMember(node) && name !== undefined && !ts.isComputedPropertyName(name))
    (isPrivate(node) ? found : others).add(name.text);
  else if (ts.isStringLiteralLike(node)) others.add(node.text);
  ts.forEachChild(node, (child) => visit(child, found, others));
}

function read(path, found, others) {
  const text = readFileSync(path, 'utf8');
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true), found, others);
}

const filesIn = (folder, pattern) =>
  readdirSync(folder, { recursive: true })
    .filter((name) => pattern.test(name))
    .map((name) => join(folder, name));

/** Names that only private members have, here and in the language's own types, and what they are
 *  called in a bundle: $0, $1, ... which are in the way of no subclass's. */
export function shortNames() {
  const found = new Set();
  const others = new Set();
  for (const path of filesIn('src', /^(?!cli).*\.ts$/)) read(path, found, others);
  for (const path of filesIn('node_modules/typescript/lib', /^lib\..*\.d\.ts$/))
    read(path, others, others);
  const names = [...found].filter((name) => !others.has(name)).sort();
  return Object.fromEntries(names.map((name, i) => [name, `$${i.toString(36)}`]));
}
