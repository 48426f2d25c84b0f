// How a valid file becomes one that somebody made to do harm, or that a disk has damaged.

/** Bytes that mean something in one of the formats. */
const MEANT = [
  0, 1, 9, 10, 13, 32, 34, 44, 45, 48, 57, 91, 92, 93, 101, 123, 125, 127, 128, 239, 255,
];
/** Words that are likely to be believed. */
const WORDS = [
  '{',
  '[[[[',
  '}]',
  '":',
  '"__proto__":',
  '"constructor":',
  '-0',
  '1e999',
  '1e308',
  '-1',
  '0',
  'null',
  'true',
  '""',
  '9007199254740993',
  '4294967296',
  '2147483648',
  '65537',
  '1.5',
  '\\ud800',
  '\ufeff',
  '\u0000',
  '\u202e',
  '\u001b[31m',
  '\t',
  '\n',
  ' ',
  '\u0301'.repeat(70),
  '\u{1f600}',
  'optimizer.r.',
  '<skipped>',
  '&amp;',
  '-\n',
].map((word) => new TextEncoder().encode(word));

const splice = (bytes, at, removed, added) => {
  const out = new Uint8Array(bytes.length - removed + added.length);
  out.set(bytes.subarray(0, at));
  out.set(added, at);
  out.set(bytes.subarray(at + removed), at + added.length);
  return out;
};

/** A place, most often near the beginning, where the headers are. */
const place = (random, length) =>
  random.below(random.oneIn(2) ? length + 1 : Math.min(length, 200) + 1);

const STEPS = {
  flip(bytes, random) {
    if (bytes.length > 0) bytes[place(random, bytes.length - 1)] ^= 1 << random.below(8);
    return bytes;
  },
  put(bytes, random) {
    if (bytes.length > 0) bytes[place(random, bytes.length - 1)] = random.pick(MEANT);
    return bytes;
  },
  cut: (bytes, random) => bytes.slice(0, place(random, bytes.length)),
  remove(bytes, random) {
    const at = place(random, bytes.length);
    const removed = random.below(Math.min(40, bytes.length - at + 1));
    return splice(bytes, at, removed, new Uint8Array(0));
  },
  insert: (bytes, random) => splice(bytes, place(random, bytes.length), 0, random.pick(WORDS)),
  repeat(bytes, random) {
    const at = place(random, bytes.length);
    const length = 1 + random.below(Math.min(30, bytes.length - at + 1));
    const part = bytes.slice(at, at + length);
    const times = random.oneIn(20) ? 3000 : 1 + random.below(20);
    return splice(
      bytes,
      at,
      0,
      Uint8Array.from({ length: part.length * times }, (_, i) => part[i % part.length]),
    );
  },
  number(bytes, random) {
    const digits = [...bytes.keys()].filter((at) => bytes[at] >= 48 && bytes[at] <= 57);
    if (digits.length === 0) return bytes;
    return splice(bytes, random.pick(digits), 1, random.pick(WORDS));
  },
  size(bytes, random) {
    if (bytes.length < 4) return bytes;
    const view = new DataView(bytes.buffer);
    const at = place(random, bytes.length - 4);
    view.setUint32(
      at,
      random.pick([0, 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, random.uint32()]),
      random.oneIn(2),
    );
    return bytes;
  },
  double: (bytes) => splice(bytes, bytes.length, 0, bytes),
  nothing: (bytes) => bytes,
};
const NAMES = Object.keys(STEPS);

/** Bytes above which nothing is repeated: a case should take milliseconds. */
const LONGEST = 2 ** 20;

/** A copy of the bytes, changed in one to four places. */
export function mutate(bytes, random) {
  let out = new Uint8Array(bytes);
  for (let i = random.below(4); i >= 0 && out.length < LONGEST; i--)
    out = STEPS[random.pick(NAMES)](out, random);
  return out;
}

/** A text, changed in the same way; it may have halves of surrogate pairs. */
export function mutateText(text, random) {
  const changed = new TextDecoder().decode(mutate(new TextEncoder().encode(text), random));
  return random.oneIn(10) ? `${changed.slice(0, 20)}\ud83d${changed.slice(20)}` : changed;
}

/** A JSON value with one of its values replaced, removed, wrapped or repeated. */
export function mutateJson(value, random, depth = 0) {
  const isLeaf = typeof value !== 'object' || value === null;
  if (isLeaf || random.oneIn(6)) return replaced(value, random);
  const keys = Object.keys(value);
  if (keys.length === 0 || depth > 8) return replaced(value, random);
  const key = random.pick(keys);
  const out = Array.isArray(value) ? [...value] : { ...value };
  if (random.oneIn(12)) delete out[key];
  else out[key] = mutateJson(value[key], random, depth + 1);
  return out;
}

function replaced(value, random) {
  let deep = value;
  for (let i = random.oneIn(8) ? 200 : 1; i > 0; i--) deep = random.oneIn(2) ? [deep] : { a: deep };
  return random.pick([
    null,
    true,
    0,
    -0,
    1,
    -1,
    1.5,
    2 ** 31,
    2 ** 32,
    2 ** 53,
    -(2 ** 31),
    1e308,
    '',
    '0',
    'x',
    '\ud800',
    '\u0000',
    [],
    {},
    [[]],
    deep,
    [value, value],
    Array(3000).fill(value),
    'ab'.repeat(5000),
    JSON.parse('{"__proto__":{"a":1}}'),
    typeof value === 'number' ? value + random.pick([1, -1, 0.5, 1e9]) : value,
    typeof value === 'string' ? mutateText(value, random) : value,
  ]);
}
