// Is this runtime the same machine as all the others? Repeats every published known answer here and
// compares the digests.

import { callback } from '../core/check.ts';
import { hex } from '../core/digest.ts';
import { type Backend, createWasmBackend, type Kernels } from '../index.ts';
import { type KernelCase, runCase } from './cases.ts';
import { digestOfDigests, digestOfHex } from './digest.ts';
import published from './published/conformance.json';
import { RUNS, runStages } from './runs.ts';

/** One row of a report: a kernel with all its cases, or a stage of a training run. */
export interface VerifyRow {
  /** A kernel, or a stage of a training run. */
  readonly name: string;
  /** Number of known answers. */
  readonly cases: number;
  /** SHA-256 of the cases' digests, 64 hex digits; or the error that stopped it. */
  readonly digest: string;
  /** The published digest. */
  readonly expected: string;
  /** Whether digest is the published one. */
  readonly equal: boolean;
  /** The first case that differs, from 0 on. */
  readonly firstDifference?: number;
}

/** What verify found. */
export interface VerifyReport {
  /** Whether all rows are equal to the published ones. */
  readonly equal: boolean;
  /** The kernels, then the stages of the runs, in the published order. */
  readonly rows: readonly VerifyRow[];
  /** SHA-256 over the digests of all rows: one word for everything. */
  readonly digest: string;
  /** The published digest of the same rows. */
  readonly expected: string;
  /** Time it took. */
  readonly milliseconds: number;
}

/** What is published: digests of all cases of each kernel (16 digits a case, 64 for all) and of the
 *  stages of each run. */
export interface Published {
  readonly kernels: Readonly<
    Record<
      string,
      {
        digest: string;
        cases: readonly { stream: number; args: readonly unknown[]; digest: string }[];
      }
    >
  >;
  readonly runs: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly digest: string;
}

/** Memory of the kernels' cases: 4 MiB. */
const PAGES = 64;
const CASE_DIGITS = 16;

/** One kernel's row; what it throws becomes its digest. */
function kernelRow(
  backend: Backend,
  name: string,
  { digest: expected, cases }: Published['kernels'][string],
): VerifyRow {
  let firstDifference: number | undefined;
  try {
    const digests = cases.map((one, i) => {
      const digest = runCase(backend, name as keyof Kernels, one as KernelCase);
      if (hex(digest).slice(0, CASE_DIGITS) !== one.digest) firstDifference ??= i;
      return digest;
    });
    const digest = digestOfDigests(digests);
    return {
      name,
      cases: cases.length,
      digest,
      expected,
      equal: digest === expected,
      firstDifference,
    };
  } catch (error) {
    return {
      name,
      cases: cases.length,
      digest: String(error),
      expected,
      equal: false,
      firstDifference,
    };
  }
}

/** The rows of one training run, one a stage. */
function runRows(name: string, expected: Readonly<Record<string, string>>): VerifyRow[] {
  const row = (stage: string, digest: string): VerifyRow => ({
    name: `${stage}: ${name}`,
    cases: 1,
    digest,
    expected: expected[stage],
    equal: digest === expected[stage],
    firstDifference: digest === expected[stage] ? undefined : 0,
  });
  try {
    return Object.entries(runStages(name)).map(([stage, digest]) => row(stage, hex(digest)));
  } catch (error) {
    return Object.keys(expected).map((stage) => row(stage, String(error)));
  }
}

/** Runs the known answers of every kernel and the stages of seven short training runs on this
 *  runtime and compares their digests with the published ones. Takes a few seconds; `onRow` sees
 *  each row when it is done. `backend`: other kernels than the library's own (4 MiB of memory),
 *  whose training runs are then left out. Throws RetrogradError where the library cannot run at
 *  all.
 *  @example
 *  const { equal, digest, expected } = verify();
 *  console.log(equal ? 'the same bits' : 'different bits', digest === expected);
 *  // the same bits true
 */
export function verify(
  onRow: (row: VerifyRow) => void = () => undefined,
  backend?: Backend,
): VerifyReport {
  callback('onRow', onRow);
  const started = Date.now();
  const rows: VerifyRow[] = [];
  const { kernels, runs, digest: expected } = published as unknown as Published;
  const add = (row: VerifyRow): void => {
    rows.push(row);
    onRow(row);
  };
  const used = backend ?? createWasmBackend({ pages: PAGES });
  for (const [name, entry] of Object.entries(kernels)) add(kernelRow(used, name, entry));
  if (backend === undefined)
    for (const name of Object.keys(RUNS)) runRows(name, runs[name]).forEach(add);
  const digest = digestOfHex(rows.map((row) => row.digest));
  return {
    equal: rows.every((row) => row.equal),
    rows,
    digest,
    expected: backend === undefined ? expected : digestOfHex(rows.map((row) => row.expected)),
    milliseconds: Date.now() - started,
  };
}
