// JSON that nobody vouches for: how deep it goes and how many values it has is known before
// anything is made of it, so neither the stack nor the memory depends on what is in the file.

import { CheckpointError } from '../core/errors.ts';

/** Most values of a text: twice what byte pairs of 65,536 tokens on both sides need. */
const MAX_VALUES = 2 ** 19;
/** Most lists and objects in each other. */
const MAX_DEPTH = 64;

/** Whether the text is within the bounds; it need not be JSON. */
function isBounded(text: string): boolean {
  let depth = 0;
  let deepest = 0;
  let values = 1;
  let isQuoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '"') isQuoted = !isQuoted;
    else if (isQuoted) i += Number(c === '\\');
    else if (c === '{' || c === '[') deepest = Math.max(deepest, ++depth);
    else if (c === '}' || c === ']') depth--;
    else if (c === ',') values++;
  }
  return deepest <= MAX_DEPTH && values <= MAX_VALUES;
}

/** The value of a text that is what JSON.stringify prints, spaces behind it left out: so a key
 *  given twice cannot hide one of its values. Throws CheckpointError, which names it `what`. */
export function parseJson(text: string, what: string): unknown {
  if (!isBounded(text))
    throw new CheckpointError(`${what} has more than ${MAX_VALUES} values or ${MAX_DEPTH} levels`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new CheckpointError(`${what} is not JSON`);
  }
  if (JSON.stringify(value).padEnd(text.length) === text) return value;
  throw new CheckpointError(`${what} is not compact JSON with every key once`);
}
