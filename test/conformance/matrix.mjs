// npm run conformance: verify on every runtime that can be had here, and one training run handed
// through four of them.
//
//   node test/conformance/matrix.mjs               all rows; writes bench/results/conformance.json
//   node test/conformance/matrix.mjs --quick       what installs in a moment: Node, Deno, Bun,
//                                                  workerd, Chromium; prints only
//   node test/conformance/matrix.mjs --only A,B    these rows; prints only
//
// Installs what is missing (install.mjs). A runtime that cannot be installed keeps its row, with
// the reason. Exit code 1 if a row that ran differs or fails, or the handover does.

import { readFileSync } from 'node:fs';
import os from 'node:os';
import { parseArgs } from 'node:util';
import { refuse, resultFile, stamp, writeResult } from '../../bench/stamp.mjs';
import { shortReason } from './execute.mjs';
import { runHandover } from './handover.mjs';
import { RUNTIMES } from './runtimes.mjs';

const USAGE = 'node test/conformance/matrix.mjs [--quick] [--only NAME,NAME]';
/** The rows whose runtimes the handover goes through. */
const HANDOVER = ['bun', 'chromium', 'workerd'];

function options() {
  try {
    return parseArgs({
      options: { only: { type: 'string' }, quick: { type: 'boolean', default: false } },
    }).values;
  } catch (error) {
    return refuse(error.message, USAGE);
  }
}

/** The rows that were asked for. */
function selected({ only, quick }) {
  const names = only?.split(',');
  const known = RUNTIMES.map(({ id }) => id);
  const unknown = names?.find((name) => !known.includes(name));
  if (unknown !== undefined)
    refuse(
      `--only: there is no runtime ${JSON.stringify(unknown)}`,
      `the runtimes are ${known.join(', ')}`,
    );
  return RUNTIMES.filter(
    (row) => (names === undefined || names.includes(row.id)) && (!quick || row.quick),
  );
}

/** Bare shells do not say what they are. */
const isNameless = (runtime) => runtime === undefined || runtime.startsWith('a JavaScript shell');

/** The digests of these files (tokens.js, ...) that every runtime must have. */
const DIGESTS = ['tokens', 'logits', 'int8', 'archives', 'receipt'].map((name) => [
  name,
  JSON.parse(readFileSync(new URL(`../golden/${name}.json`, import.meta.url), 'utf8')).digest,
]);

/** What one answer means: status and note. */
function judge({ report, error, ...digests }, refuses) {
  if (report === undefined) {
    if (refuses?.test(error))
      return {
        status: 'refused',
        note: `as it must be: ${shortReason(error.replace(/^\w+: |\. HINT: .*$/g, ''))}`,
      };
    return { status: 'failed', note: shortReason(error ?? 'it answered no report') };
  }
  if (refuses !== undefined) return { status: 'failed', note: 'it must refuse to run here' };
  const first = report.rows.find(({ equal }) => !equal);
  if (!report.equal || report.digest !== report.expected)
    return {
      status: 'DIFFERENT',
      note: `first difference: ${first?.name}, case ${first?.firstDifference ?? 0}`,
    };
  const other = DIGESTS.find(([name, expected]) => digests[name] !== expected);
  if (other === undefined) return { status: 'equal' };
  const [name, expected] = other;
  return { status: 'DIFFERENT', note: `${name}: ${digests[name]}, expected ${expected}` };
}

/** One row of the table; never throws. */
async function runRow({ name, processor, install, run, version, refuses }) {
  const row = { name, processor: processor ?? os.cpus()[0]?.model.trim() ?? process.arch };
  let program;
  const asked = performance.now();
  try {
    program = await install();
  } catch (error) {
    return { ...row, status: 'not run', note: shortReason(error.message) };
  }
  const begun = performance.now();
  if (begun - asked > 1000)
    console.log(`installed ${name} in ${((begun - asked) / 1000).toFixed(1)} s`);
  try {
    const answer = await run(program);
    const { report, runtime } = answer;
    const wall = Math.round(performance.now() - begun);
    const own = await version?.(program);
    return {
      ...row,
      runtime: isNameless(runtime) ? (own ?? name) : runtime,
      version: own,
      ...judge(answer, refuses),
      digest: report?.digest,
      tokens: answer.tokens,
      logits: answer.logits,
      int8: answer.int8,
      archives: answer.archives,
      receipt: answer.receipt,
      kernels: answer.kernels,
      milliseconds: report?.milliseconds,
      wallMilliseconds: wall,
    };
  } catch (error) {
    return { ...row, status: 'failed', note: shortReason(error.message) };
  }
}

/** Lines of text in columns. */
function columns(rows) {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i]))
      .join('  ')
      .trimEnd(),
  );
}

async function main() {
  const given = options();
  const rows = [];
  const wanted = selected(given);
  const isAll = given.only === undefined && !given.quick;
  for (const [i, runtime] of wanted.entries()) {
    const begun = performance.now();
    const row = await runRow(runtime);
    rows.push(row);
    console.log(
      `[${i + 1}/${wanted.length}] ${row.name}: ` +
        `${row.status}${row.note === undefined ? '' : `, ${row.note}`} ` +
        `(${((performance.now() - begun) / 1000).toFixed(1)} s)`,
    );
  }
  let handover;
  if (
    HANDOVER.every((id) => wanted.some((row, i) => row.id === id && rows[i].status !== 'not run'))
  ) {
    try {
      handover = await runHandover((line) => console.log(`[handover] ${line}`));
    } catch (error) {
      handover = { equal: false, legs: [], note: shortReason(error.message) };
    }
  }
  console.log(
    `\n${columns([
      [
        'runtime',
        'engine',
        'processor',
        'verdict',
        'ms',
        'digest',
        'tokens',
        'logits',
        'int8',
        'archives',
        'receipt',
        'kernels',
      ],
      ...rows.map((row) => [
        row.name,
        row.version ?? row.runtime ?? '',
        row.processor,
        row.status,
        String(row.milliseconds ?? ''),
        row.digest?.slice(0, 16) ?? '',
        row.tokens?.slice(0, 16) ?? '',
        row.logits?.slice(0, 16) ?? '',
        row.int8?.slice(0, 16) ?? '',
        row.archives?.slice(0, 16) ?? '',
        row.receipt?.slice(0, 16) ?? '',
        row.kernels ?? '',
      ]),
    ]).join('\n')}\n`,
  );
  if (handover !== undefined) {
    const { equal, weights, expected, note = `${weights}, expected ${expected}` } = handover;
    console.log(`handover: ${equal ? `equal, ${weights}` : `not equal, ${note}`}`);
  }
  const count = (status) => rows.filter((row) => row.status === status).length;
  console.log(
    ['equal', 'DIFFERENT', 'failed', 'refused', 'not run']
      .map((status) => `${count(status)} ${status}`)
      .join(', '),
  );
  if (isAll) writeResult(resultFile('conformance'), { stamp: stamp(), rows, handover });
  const isBad = count('DIFFERENT') + count('failed') > 0 || handover?.equal === false;
  process.exitCode = isBad ? 1 : 0;
}

await main();
