// The texts that come with the page, made by a few rules and a counter: they weigh nothing, are
// nobody's, and are the same everywhere, as their digests are part of published ones.

const SOMEBODY = [
  ...['the old fox', 'a small bird', 'the miller', 'the quiet girl', 'my brother'],
  ...['the grey cat', 'a young hare', 'the baker', 'the north wind', 'the moon', 'the king'],
];
const DID = ['walked', 'ran', 'sang', 'waited', 'slept', 'danced', 'sat', 'laughed', 'cried'];
const SOMEWHERE = [
  ...['by the river', 'under the tree', 'over the hill', 'along the road', 'near the mill'],
  ...['in the garden', 'beside the fire', 'across the field', 'behind the house', 'at the gate'],
];
const SOMETIME = [
  ...['in the morning', 'at night', 'when it rained', 'before dinner', 'after the storm'],
  ...['in winter', 'one summer', 'long ago', 'every evening'],
];
const SAID = [
  ...['come home', 'the bread is warm', 'do not be afraid', 'it will rain', 'who is there'],
  ...['the road is long', 'i have seen the sea', 'wait for me', 'sleep well', 'look at the moon'],
];

type Draw = (count: number) => number;

/** Numbers 0 .. count - 1 of a linear congruence modulo 2^31 (its high bits). */
function drawOf(seed: number): Draw {
  let state = seed;
  return (count) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >>> 8) % count;
  };
}

const capital = (text: string): string => text[0].toUpperCase() + text.slice(1);

function sentence(draw: Draw): string {
  const one = (words: readonly string[]): string => words[draw(words.length)];
  const forms = [
    () => `${one(SOMEBODY)} ${one(DID)} ${one(SOMEWHERE)}.`,
    () => `${one(SOMETIME)} ${one(SOMEBODY)} ${one(DID)} ${one(SOMEWHERE)}.`,
    () => `${one(SOMEBODY)} ${one(DID)} and ${one(DID)} ${one(SOMETIME)}.`,
    () => `"${one(SAID)}," said ${one(SOMEBODY)}.`,
    () => `${one(SOMEBODY)} saw ${one(SOMEBODY)} ${one(SOMEWHERE)}.`,
  ];
  return capital(forms[draw(forms.length)]());
}

/** Little stories: lines of three to five sentences. */
function stories(): string {
  const draw = drawOf(7);
  const lines = Array.from({ length: 240 }, () =>
    Array.from({ length: 3 + draw(3) }, () => sentence(draw)).join(' '),
  );
  return `${lines.join('\n')}\n`;
}

/** Sums of numbers below 50, one a line. */
function sums(): string {
  const draw = drawOf(11);
  const lines = Array.from({ length: 3000 }, () => {
    const [a, b] = [draw(50), draw(50)];
    return `${a}+${b}=${a + b}`;
  });
  return `${lines.join('\n')}\n`;
}

/** The text of a name, and what a text written by the model begins with. */
export const BUILT_IN = {
  stories: { make: stories, about: 'Little stories, made by a few rules', prompt: 'The ' },
  sums: { make: sums, about: 'Sums of two numbers', prompt: '1' },
} as const;
