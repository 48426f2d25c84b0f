// The report of verify as text: a table, and one line that says which runtime it was.

import { list, properties, reading, text } from '../core/check.ts';
import type { VerifyReport, VerifyRow } from './verify.ts';

/** The parts of various runtimes' globals that tell their names. */
interface Globals {
  readonly Deno?: { version: { deno: string; v8: string }; build: { arch: string; os: string } };
  readonly Bun?: { version: string };
  readonly process?: {
    versions?: { node?: string; v8?: string };
    arch?: string;
    platform?: string;
  };
  readonly navigator?: { userAgent?: string };
}

/** Runtime, version and processor as far as this runtime tells them.
 *  @example
 *  console.log(describeRuntime());
 */
export function describeRuntime(): string {
  const { Deno, Bun, process, navigator } = globalThis as unknown as Globals;
  if (Deno !== undefined)
    return `Deno ${Deno.version.deno} (V8 ${Deno.version.v8}), ${Deno.build.os} ${Deno.build.arch}`;
  if (Bun !== undefined) return `Bun ${Bun.version}, ${process?.platform} ${process?.arch}`;
  if (process?.versions?.node !== undefined)
    return (
      `Node ${process.versions.node} (V8 ${process.versions.v8}), ${process.platform} ` +
      `${process.arch}`
    );
  return navigator?.userAgent ?? 'a JavaScript shell that does not tell its name';
}

/** The line to paste: runtime, version, processor, digest.
 *  @example
 *  const report = verify(undefined, createWasmBackend({ pages: 64 }));
 *  console.log(summaryLine(report, 'a runtime').slice(0, 34));
 *  // retrograd verify: equal; a runtime
 */
export function summaryLine(report: VerifyReport, runtime = describeRuntime()): string {
  const { equal, digest } = properties('the report', report, ['equal', 'digest']);
  const word = equal ? 'equal' : 'DIFFERENT';
  return `retrograd verify: ${word}; ${text('runtime', runtime)}; ${text('digest', digest)}`;
}

/** A row that prints. */
function readRow(name: string, row: unknown): VerifyRow {
  const own = properties(name, row as VerifyRow, [
    'name',
    'cases',
    'digest',
    'expected',
    'equal',
    'firstDifference',
  ]);
  text(`${name}.name`, own.name);
  text(`${name}.digest`, own.digest);
  return own;
}

/** The whole report: a line for each kernel and stage, what differs first, and the line to paste.
 *  @example
 *  const report = verify(undefined, createWasmBackend({ pages: 64 }));
 *  console.log(formatReport(report));
 */
export function formatReport(given: VerifyReport, runtime?: string): string {
  const own = properties('the report', given, [
    'equal',
    'rows',
    'digest',
    'expected',
    'milliseconds',
  ]);
  return reading('the report', () =>
    formatRows({ ...own, rows: list('rows', own.rows, readRow, 1) }, runtime),
  );
}

function formatRows(report: VerifyReport, runtime?: string): string {
  const shown = report.rows.map(({ name }) => name.replaceAll(' = ', '=')); // 80 columns
  const width = Math.max(...shown.map((name) => name.length));
  const first = report.rows.find(({ equal }) => !equal);
  const lines = report.rows.map(({ cases, digest, equal }, i) => {
    const count = `${String(cases).padStart(3)} ${cases === 1 ? 'case ' : 'cases'}`;
    return (
      `${shown[i].padEnd(width)} ${count} ${digest.slice(0, 16).padEnd(16)} ` +
      `${equal ? 'equal' : 'DIFFERENT'}`
    );
  });
  const verdict =
    first === undefined
      ? `All ${report.rows.length} rows are equal to the published ones, in ` +
        `${(report.milliseconds / 1000).toFixed(1)} s.`
      : `The first difference: ${first.name}, case ${first.firstDifference ?? 0}: ` +
        `${first.digest}, expected ${first.expected}.`;
  return [...lines, '', verdict, summaryLine(report, runtime)].join('\n');
}
