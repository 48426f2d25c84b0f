// The blocks about the same bits on every runtime, from bench/results/conformance.json.

import { code, environment, table } from './markdown.mjs';
import { result } from './source.mjs';

/** "Chrome/156..." of a browser's long user agent is in its own version, where the row has one. */
const runtimeOf = ({ runtime, version, name }) =>
  version !== undefined && (runtime ?? '').length > 60 ? version : (runtime ?? version ?? name);

/** Those that could not be installed and those that must refuse are no evidence. */
export const rowsThatRan = ({ rows }) =>
  rows.filter(({ status }) => status !== 'not run' && status !== 'refused');

/** The first digits of a digest. */
const short = (digest) => code(digest.slice(0, 16));

const MATRIX_MISSING = 'Not measured yet: run `npm run conformance`.';

/** One line a processor: what ran there and computes the published bits, and what does not. */
export function conformance() {
  const data = result('conformance');
  if (data === undefined) return MATRIX_MISSING;
  const ran = rowsThatRan(data);
  const equal = ran.filter(({ status }) => status === 'equal');
  const { handover } = data;
  const lines = [...new Set(data.rows.map(({ processor }) => processor))].map((processor) => {
    const there = data.rows.filter((row) => row.processor === processor);
    const others = there.filter(({ status }) => status !== 'equal');
    return [
      processor,
      there
        .filter(({ status }) => status === 'equal')
        .map(({ name }) => name)
        .join('; '),
      others.map(({ name, status }) => `${name}: ${status}`).join('; '),
    ];
  });
  return [
    table(['processor', 'the published digest', 'other'], lines),
    '',
    `${equal.length} of the ${ran.length} that ran have the digest ` +
      `${short(equal[0]?.digest ?? 'none')}; versions and times are in the table ` +
      'below. ' +
      otherWords(equal) +
      kernelsWords(equal) +
      (handover === undefined ? '' : handoverWords(handover)) +
      `${environment(data.stamp)}.`,
  ].join('\n');
}

export function conformanceRows() {
  const data = result('conformance');
  if (data === undefined) return MATRIX_MISSING;
  return table(
    ['runtime', 'version', 'processor', 'verdict', 'tokens', 'logits', 'int8', 'by', 'seconds'],
    data.rows.map((row) => [
      row.name,
      runtimeOf(row),
      row.processor,
      row.status === 'equal'
        ? 'equal'
        : `${row.status}${row.note === undefined ? '' : `: ${row.note}`}`,
      ...[row.tokens, row.logits, row.int8].map((digest) =>
        digest === undefined ? '' : short(digest),
      ),
      row.kernels?.match(/^int8 (\w+)/)?.[1] ?? '',
      row.milliseconds === undefined ? '' : (row.milliseconds / 1000).toFixed(1),
    ]),
    [8],
  );
}

const QUESTIONS = [
  ['tokens', 'the tokens of a fixed corpus'],
  ['logits', 'all logits of 20 prompts, in chunks of five sizes,'],
  ['int8', 'the weights of a run with 8 bit operands'],
  ['archives', 'the files of golden archives, decoded and coded again,'],
];

/** How many give the same tokens, logits and weights, which an older run has not asked. */
function otherWords(equal) {
  return QUESTIONS.map(([key, what]) => {
    const asked = equal.filter((row) => row[key] !== undefined);
    if (asked.length === 0) return '';
    return `${asked.length} were asked for ${what} and give the same (${short(asked[0][key])}). `;
  }).join('');
}

/** Which runtimes the kernels with the relaxed instructions are given to. */
function kernelsWords(equal) {
  const asked = equal.filter(({ kernels }) => kernels !== undefined);
  if (asked.length === 0) return '';
  const fast = asked.filter(({ kernels }) => /^int8 (relaxed|pairs)/.test(kernels));
  const names = fast.map(({ name }) => name).join('; ') || 'none';
  return `By relaxed instructions, because they are the faster there: ${names}. `;
}

/** What the run that was handed through several runtimes gave. */
function handoverWords({ weights, note, legs, equal }) {
  if (weights === undefined) return `**The handover failed: ${note}.** `;
  const steps = legs.map((leg) => `Steps ${leg.steps} in ${leg.runtime}`).join(', ');
  return (
    `${steps}, the checkpoint's bytes handed on: ` +
    `${equal ? 'the same weights as' : '**other weights than**'} all steps ` +
    `in one Node (SHA-256 ${short(weights)}). `
  );
}
