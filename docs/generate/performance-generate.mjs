// The section on generation of docs/performance.md, from what bench/generate.mjs wrote: one
// measurement a kind of processor.

import { count, table } from './markdown.mjs';

const least = (target, aim) => ({
  words: aim === undefined ? `${target}` : `${target} (aim: ${aim})`,
  isReached: (value) => value >= target,
});
const most = (target) => ({ words: `at most ${target}`, isReached: (value) => value <= target });
const none = { words: '', isReached: () => true };

/** What is measured, its target, and the digits after the point. */
const rowsOf = ({ large: { parameters } }) => {
  const large = `${count(parameters / 1e6)} million weights`;
  return [
    [
      '6 layers, 128 channels, context 128: rows kept, times as fast as every window anew',
      least(20),
      ({ small }) => small.speedup,
      1,
    ],
    ['tokens a second of the same', none, ({ small }) => small.tokensPerSecond, 0],
    [
      'of the same over 1,000 tokens, whose window slides by half',
      none,
      ({ small }) => small.slidingByHalfTokensPerSecond,
      0,
    ],
    [`${large}, 1 text: tokens a second`, least(25, 40), (one) => one.large.tokensPerSecond, 1],
    ['the same, 4 texts at a time', none, (one) => one.large.tokensPerSecondOf4, 1],
    ['16 texts at a time', least(100, 300), (one) => one.large.tokensPerSecondOf16, 1],
    ...['Memory', 'Cache'].map((place) => [
      `16 texts, if products were all there is, weights from ${place.toLowerCase()}`,
      none,
      ({ products, large: { products: each } }) => products?.[`from${place}`] / each,
      1,
    ]),
    [
      'first token of a prompt of 128 tokens, forward passes over it with all logits',
      most(1.5),
      (one) => one.large.firstTokenShare,
      2,
    ],
    ['GB a second that one thread reads', none, (one) => one.bytesReadPerSecond / 1e9, 1],
  ];
};

const environment = ({ cpu, cores, system, node, date, versions, load }) =>
  `${cpu}, ${cores} cores, ${system}, Node ${node} (V8 ${versions.v8}), ${date}, load at the ` +
  `start ${load}`;

/** Texts: what is kept beside what is computed anew, a model of GPT-2's size, one pass. What was
 *  aimed at stands beside it. */
export function generateSection(machines) {
  if (machines === undefined) return 'Not measured yet: run `node bench/generate.mjs --write`.';
  const [{ large }] = machines;
  const cell = (value, digits, { isReached }) => {
    if (Number.isNaN(value)) return '';
    const number = digits === 0 ? count(value) : value.toFixed(digits);
    return isReached(value) ? number : `**${number}**`;
  };
  // an older measurement has fewer rows
  const isMeasured = ([, , measured]) => machines.some((one) => !Number.isNaN(measured(one)));
  const rows = rowsOf(machines[0]).filter(isMeasured);
  return [
    'One thread, random weights, temperature 0.8 and top-k 40, the best of several rounds; a ' +
      'column is a kind of processor. What misses its target is bold.',
    '',
    table(
      ['what', 'target', ...machines.map(({ stamp }) => stamp.cpu)],
      rows.map(([what, target, measured, digits]) => [
        what,
        target.words,
        ...machines.map((one) => cell(measured(one), digits, target)),
      ]),
      machines.map((_, i) => i + 2),
    ),
    '',
    `The large model takes ${count(large.bytes / 2 ** 20)} MiB for 16 texts of 256 tokens; a ` +
      `token reads its weights once, ${(2e-6 * large.parameters).toFixed(0)} MB. \`node ` +
      'bench/generate.mjs --write` measures it, on a machine with no other work.',
    '',
    `Measured on ${machines.map(({ stamp }) => environment(stamp)).join('; ')}.`,
  ].join('\n');
}
