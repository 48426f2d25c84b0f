// The section on generation of docs/performance.md, from what bench/generate.mjs wrote.

import { count, table } from './markdown.mjs';

const isReached = (value, least) => (value >= least ? 'yes' : '**no**');

/** Texts: what is kept beside what is computed anew, a model of GPT-2's size, one pass. What was
 *  aimed at stands beside it. */
export function generateSection(data) {
  if (data === undefined) return 'Not measured yet: run `node bench/generate.mjs`.';
  const { stamp, bytesReadPerSecond: read, small, large } = data;
  const millions = count(large.parameters / 1e6);
  const rows = [
    [
      '6 layers, 128 channels, context 128: rows kept, times as fast as every window anew',
      '20',
      small.speedup.toFixed(1),
      isReached(small.speedup, 20),
    ],
    ...[
      [`${millions} million weights, 1 text: tokens a second`, 25, large.tokensPerSecond],
      ['the same, 16 texts at a time', 100, large.tokensPerSecondOf16],
    ].map(([what, least, value]) => [what, `${least}`, value.toFixed(1), isReached(value, least)]),
    [
      'first token of a prompt of 128 tokens, forward passes over it with all logits',
      'at most 1.5',
      large.firstTokenShare.toFixed(2),
      isReached(1.5, large.firstTokenShare),
    ],
  ];
  return [
    'One thread, random weights, temperature 0.8 and top-k 40, the best of several rounds.',
    '',
    table(['what', 'target', 'measured', 'reached'], rows),
    '',
    `The small model writes ${count(small.tokensPerSecond)} tokens a second, ` +
      `${count(small.anewTokensPerSecond)} if every window is computed anew, and ` +
      `${count(small.slidingByHalfTokensPerSecond)} over 1,000 tokens whose window slides by ` +
      `half. The large one takes ${count(large.bytes / 2 ** 20)} MiB for 16 texts of 256 tokens; ` +
      `a token reads its weights once, ${(2e-6 * large.parameters).toFixed(0)} MB. In the same ` +
      `minutes one thread read ${(read / 1e9).toFixed(1)} GB a second and the load was ` +
      `${stamp.load}: on a machine with nothing else to do all of this is faster.`,
    '',
    `Measured on ${stamp.cpu}, ${stamp.cores} cores, ${stamp.system}, Node ${stamp.node} ` +
      `(V8 ${stamp.versions.v8}), ${stamp.date}.`,
  ].join('\n');
}
