// The figures of docs/receipts.md, from what bench/receipt.mjs wrote.

import { count, environment, table } from './markdown.mjs';
import { result } from './source.mjs';

const COMMAND = '`node bench/receipt.mjs --write`';
const percent = (share) => `${(100 * share).toFixed(1)} %`;
const times = (ratio) => `${ratio.toFixed(2)} x`;

/** Bars: a receipt's part of a step, an audit's of training on one core and on two. */
const BARS = { receipt: 0.05, all: 1.05, two: 0.55 };

const WAYS = [
  ['receipt', '`--receipt`'],
  ['full', '`--receipt-full`'],
  ['webCrypto', 'a receipt by `Recorder` alone: WebCrypto'],
  ['oneBuffer', 'WebCrypto, of a copy in memory that is used again'],
];

const verdict = (what, value, bar, words) =>
  `- ${what}: ${words(value)}; the bar of ${words(bar)} is ` +
  `${value <= bar ? 'met' : '**not met**'}.`;

function costs(found) {
  const { layers, channels, batch, context, parameters, pairs, stamp, load } = found;
  const rows = WAYS.map(([name, words]) => {
    const { step, cost } = found[name];
    const [clock, processor, thread] = [cost.clock, cost.processor, cost.thread];
    return [words, step.clock.toFixed(0), ...[clock, processor, thread].map(percent)];
  });
  const head = ['what', 'ms a step without', 'by the clock', 'of all processors', 'of the thread'];
  const tokens = count(batch * context);
  return `${table(head, rows, [1, 2, 3, 4])}

More of a step of ${tokens} tokens, ${layers} layers, ${channels} channels, ${count(parameters)}
parameters: medians of ${pairs} pairs in turn. Of the thread: of the processor's time of the one
that trains. Other programs ran on the machine, whose ${stamp.cores} cores were asked for by
${load[0]} threads before and ${load[1]} after: that is in the times by the clock, as digests
beside a step need a core that is free. ${environment(stamp)}.`;
}

const audits = ({ audit: { steps, runs, seconds, all, two }, receipt }) =>
  `Beside training, ${runs} runs of ${steps} steps in turn, ${seconds.toFixed(1)} s each:

${[
  verdict('A receipt, of the thread that trains', receipt.cost.thread, BARS.receipt, percent),
  verdict('A receipt, by the clock', receipt.cost.clock, BARS.receipt, percent),
  verdict('`audit --all`, by the clock', all.clock, BARS.all, times),
  verdict('`audit --all`, by the processor', all.processor, BARS.all, times),
  verdict('In two parts, `--jobs 2`, by the clock', two.clock, BARS.two, times),
  `- In two parts, by the processor: ${times(two.processor)}.`,
].join('\n')}`;

/** What receipts and audits cost. */
export function receiptFigures() {
  const kinds = result('receipt');
  if (kinds === undefined) return `Not measured yet: run ${COMMAND}.`;
  const parts = kinds.flatMap((found) => [costs(found), audits(found)]);
  return [...parts, `Measured by ${COMMAND}.`].join('\n\n');
}
