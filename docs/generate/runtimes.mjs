// The blocks about the same bits on every runtime, from bench/results/conformance.json.

import { code, environment, table } from './markdown.mjs';
import { result } from './source.mjs';

/** "Chrome/156..." of a browser's long user agent is in its own version, where the row has one. */
const runtimeOf = ({ runtime, version, name }) =>
  version !== undefined && (runtime ?? '').length > 60 ? version : (runtime ?? version ?? name);

/** Those that could not be installed and those that must refuse are no evidence. */
export const rowsThatRan = ({ rows }) =>
  rows.filter(({ status }) => status !== 'not run' && status !== 'refused');

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
      `${code(equal[0]?.digest.slice(0, 16) ?? 'none')}; versions and times are in the table ` +
      'below. ' +
      tokensWords(equal) +
      (handover === undefined ? '' : handoverWords(handover)) +
      `${environment(data.stamp)}.`,
  ].join('\n');
}

export function conformanceRows() {
  const data = result('conformance');
  if (data === undefined) return MATRIX_MISSING;
  return table(
    ['runtime', 'version', 'processor', 'verdict', 'seconds'],
    data.rows.map((row) => [
      row.name,
      runtimeOf(row),
      row.processor,
      row.status === 'equal'
        ? 'equal'
        : `${row.status}${row.note === undefined ? '' : `: ${row.note}`}`,
      row.milliseconds === undefined ? '' : (row.milliseconds / 1000).toFixed(1),
    ]),
    [4],
  );
}

/** How many give the tokens of a fixed corpus, which a run of an older version has not asked. */
function tokensWords(equal) {
  const asked = equal.filter(({ tokens }) => tokens !== undefined);
  const [first] = asked;
  if (first === undefined) return '';
  return (
    `${asked.length} were asked for the tokens of a fixed corpus and give the same ` +
    `(SHA-256 ${code(first.tokens.slice(0, 16))}). `
  );
}

/** What the run that was handed through several runtimes gave. */
function handoverWords({ weights, note, legs, equal }) {
  if (weights === undefined) return `**The handover failed: ${note}.** `;
  const steps = legs.map((leg) => `Steps ${leg.steps} in ${leg.runtime}`).join(', ');
  return (
    `${steps}, the checkpoint's bytes handed on: ` +
    `${equal ? 'the same weights as' : '**other weights than**'} all steps ` +
    `in one Node (SHA-256 ${code(weights.slice(0, 16))}). `
  );
}
