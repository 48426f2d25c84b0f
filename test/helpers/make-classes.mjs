// Makes src/tokenizer/class-table.ts: the classes by which byte-level BPE cuts a text into words,
// as Unicode 17.0 has them. Run it by a Node of that version:
//   npx -y node@20.20.2 test/helpers/make-classes.mjs

import { writeFileSync } from 'node:fs';

const VERSION = '17.0';
const LAST = 0x10ffff;

/** Class of a code point: its letter in the table. `\w` as regular expressions of Unicode have it
 *  (UTS #18, annex C): a letter is one, too. */
const CLASSES = [
  ['S', /\p{White_Space}/u],
  ['L', /\p{L}/u],
  ['D', /[\p{Nd}\p{Nl}]/u],
  ['N', /\p{N}/u],
  ['W', /[\p{Alphabetic}\p{M}\p{Pc}\p{Join_Control}]/u],
];
const OTHER = 'O';
const isSurrogate = (point) => point >= 0xd800 && point <= 0xdfff;

function classOf(point) {
  if (isSurrogate(point)) return OTHER;
  const character = String.fromCodePoint(point);
  return CLASSES.find(([, pattern]) => pattern.test(character))?.[0] ?? OTHER;
}

/** Runs of characters of one class: its letter, and how many, 36 to the digit. What follows the
 *  last run is other. */
function renderTable() {
  const runs = [];
  for (let point = 0; point <= LAST; point++) {
    const found = classOf(point);
    if (runs.at(-1)?.found !== found) runs.push({ found, length: 0 });
    runs.at(-1).length++;
  }
  if (runs.at(-1).found === OTHER) runs.pop();
  const words = runs.map(({ found, length }) => found + length.toString(36)).join('');
  const lines = words.match(/.{1,92}/g).map((line) => `  '${line}'`);
  return (
    '// Made by test/helpers/make-classes.mjs: do not edit.\n\n' +
    '/** The version of Unicode whose classes these are. */\n' +
    `export const UNICODE_VERSION = '${VERSION}';\n\n` +
    '/** Runs from U+0000 on: class (L letter, D decimal digit or letter number, N other number, ' +
    'S white\n *  space, W other character of words, O any other) and how many, 36 to the digit. ' +
    '*/\n' +
    `export const CLASSES =\n${lines.join(' +\n')};\n`
  );
}

if (process.versions.unicode !== VERSION)
  throw new Error(`this Node has Unicode ${process.versions.unicode}, expected ${VERSION}`);
const table = renderTable();
writeFileSync(new URL('../../src/tokenizer/class-table.ts', import.meta.url), table);
console.log(`${table.length} characters`);
