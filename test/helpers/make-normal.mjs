// Makes src/data/normal-table.ts: which characters Unicode 15.0 normalises. Run it by a Node of
// that version; characters that a later one assigns must not get in.
//   npx -y node@20.5.0 test/helpers/make-normal.mjs

import { writeFileSync } from 'node:fs';

const VERSION = '15.0';
const LAST = 0x10ffff;
const text = (point) => String.fromCodePoint(point);
const isSurrogate = (point) => point >= 0xd800 && point <= 0xdfff;

/** Of combining classes the lowest and the highest: a mark changes places with one of them. */
const LOW = '\u0334';
const HIGH = '\u0345';
const decompose = (some) => some.normalize('NFD');
const isMark = (c) => decompose(c + LOW) === LOW + c || decompose(HIGH + c) === c + HIGH;

/** Whether normalisation ever does something to a character, or to others beside it. */
function findNormalised() {
  const found = new Uint8Array(LAST + 1);
  for (let point = 0; point <= LAST; point++) {
    if (isSurrogate(point)) continue;
    const c = text(point);
    const decomposed = c.normalize('NFD');
    if (isMark(c) || c === LOW || c === HIGH) found[point] = 1;
    if (decomposed === c) continue;
    found[point] = 1;
    for (const part of decomposed) found[part.codePointAt(0)] = 1;
  }
  return found;
}

/** The fewest ranges that hold all of them and no unassigned code point. */
function findRanges(found) {
  const ranges = [];
  for (let point = 0, isOpen = false; point <= LAST; point++) {
    if (isSurrogate(point) || /\p{Cn}/u.test(text(point))) isOpen = false;
    if (found[point] === 0) continue;
    if (isOpen) ranges[ranges.length - 1][1] = point;
    else ranges.push([point, point]);
    isOpen = true;
  }
  return ranges;
}

/** 36 to the digit: how far each range begins behind the one before, and how many more it holds. */
export function renderTable(ranges) {
  let end = 0;
  const words = ranges.map(([from, to]) => {
    const word = `${(from - end).toString(36)}.${(to - from).toString(36)}`;
    end = to;
    return word;
  });
  const lines = words
    .join(' ')
    .match(/.{1,92}(?: |$)/g)
    .map((line) => `  '${line}'`);
  return (
    '// Made by test/helpers/make-normal.mjs: do not edit. ' +
    `What Unicode ${VERSION} normalises.\n\n` +
    '/** Ranges: distance from the end of the one before to the first character, and to the ' +
    'last. */' +
    `\nexport const NORMALISED = (\n${lines.join(' +\n')}\n);\n`
  );
}

if (process.versions.unicode !== VERSION)
  throw new Error(`this Node has Unicode ${process.versions.unicode}, expected ${VERSION}`);
const ranges = findRanges(findNormalised());
writeFileSync(new URL('../../src/data/normal-table.ts', import.meta.url), renderTable(ranges));
console.log(`${ranges.length} ranges`);
