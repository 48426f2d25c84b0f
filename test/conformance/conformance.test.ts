// verify, held to its word: it passes here and on the reference back end, finds one wrong bit in
// any kernel and names the kernel, and a runtime that cannot run the library gets one clear error.
// The matrix of runtimes (matrix.mjs) is not part of npm test.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type Backend, createWasmBackend, type Kernels } from '../../src/index.ts';
import { createReferenceBackend } from '../../src/kernels/reference/index.ts';
import {
  type BufferArgument,
  formatReport,
  type KernelCase,
  summaryLine,
  type VerifyReport,
  verify,
} from '../../src/verify/index.ts';
import published from '../../src/verify/published/conformance.json';
import { runsAll } from '../helpers/all.ts';

const PAGES = 64;
const root = join(import.meta.dirname, '../..');
const KERNELS = published.kernels as unknown as Record<string, { cases: readonly KernelCase[] }>;
const NAMES = Object.keys(KERNELS) as (keyof Kernels)[];
const ROWS =
  NAMES.length + Object.values(published.runs).flatMap((stages) => Object.keys(stages)).length;

const different = (report: VerifyReport): string[] =>
  report.rows.filter(({ equal }) => !equal).map(({ name }) => name);

describe('verify', () => {
  test(`all ${ROWS} rows are equal here, and the digest is the published one`, () => {
    const seen: string[] = [];
    const report = verify(({ name }) => seen.push(name));
    expect(different(report)).toEqual([]);
    expect(report).toMatchObject({
      equal: true,
      digest: published.digest,
      expected: published.digest,
    });
    expect(report.rows).toHaveLength(ROWS);
    expect(seen).toEqual(report.rows.map(({ name }) => name));
    expect(NAMES.sort()).toEqual(Object.keys(createReferenceBackend(64).kernels).sort());
  });

  test('the reference back end passes', () => {
    const report = verify(undefined, createReferenceBackend(2 ** 22));
    expect(different(report)).toEqual([]);
    expect(report.digest).toBe(report.expected);
  });

  test('the last line of the report is the line to paste', () => {
    const backend = createWasmBackend({ pages: PAGES });
    const report = verify(undefined, backend);
    const line = formatReport(report, 'Engine 1, some processor').split('\n').at(-1);
    expect(line).toBe(summaryLine(report, 'Engine 1, some processor'));
    expect(line).toBe(`retrograd verify: equal; Engine 1, some processor; ${report.digest}`);
    const wrong = {
      ...report,
      equal: false,
      rows: report.rows.map((row, i) =>
        i === 3 ? { ...row, equal: false, firstDifference: 2 } : row,
      ),
    };
    expect(formatReport(wrong, 'Engine 1').split('\n').slice(-2)).toEqual([
      `The first difference: ${report.rows[3].name}, case 2: ${report.rows[3].digest}, ` +
        `expected ${report.rows[3].expected}.`,
      `retrograd verify: DIFFERENT; Engine 1; ${report.digest}`,
    ]);
  });
});

/** A back end whose kernel `name` gets one bit wrong in its last case: of the first output, or of
 *  the result if there is none. */
function withWrongBit(backend: Backend, name: keyof Kernels): Backend {
  const { cases } = KERNELS[name];
  const right = backend.kernels[name] as (...args: number[]) => number | undefined;
  const output = cases[cases.length - 1].args.findIndex(
    (argument) => typeof argument !== 'number' && argument.output === true && argument.length > 0,
  );
  let calls = 0;
  const wrong = (...args: number[]): number | undefined => {
    const result = right(...args);
    if (++calls !== cases.length) return result;
    if (output < 0) return result! ^ 1;
    const buffer = cases[cases.length - 1].args[output] as BufferArgument;
    const bytes = new Uint8Array(backend.memory.buffer);
    bytes[args[output] + (buffer.length >> 1)] ^= 1;
    return result;
  };
  return { ...backend, kernels: { ...backend.kernels, [name]: wrong } };
}

describe('one wrong bit', () => {
  test(
    `in the last case of any of the ${NAMES.length} kernels is found, and the kernel and the ` +
      'case are named',
    () => {
      const backend = createWasmBackend({ pages: PAGES });
      const found = new Map<string, unknown>();
      for (const name of NAMES) {
        const report = verify(undefined, withWrongBit(backend, name));
        const first = report.rows.find(({ equal }) => !equal);
        expect(report.equal).toBe(false);
        expect(report.digest).not.toBe(report.expected);
        expect(formatReport(report)).toContain(
          `The first difference: ${name}, case ${KERNELS[name].cases.length - 1}: `,
        );
        found.set(name, [different(report), first?.firstDifference]);
      }
      expect(Object.fromEntries(found)).toEqual(
        Object.fromEntries(NAMES.map((name) => [name, [[name], KERNELS[name].cases.length - 1]])),
      );
    },
  );

  /** The 16-byte tables of assembly/tables.ts, as they lie in the module: of the gap, then of the
   *  slope. */
  const [, data = ''] =
    /const GELU_GAP: usize = memory\.data<i8>\(\[([^\]]*)\]/.exec(
      readFileSync(join(root, 'assembly/tables.ts'), 'utf8'),
    ) ?? [];
  const all = Buffer.from(data.match(/-?\d+/g)?.map((byte) => Number(byte) & 255) ?? []);
  const tables = Array.from({ length: all.length / 16 }, (_, i) => ({
    table: i,
    kernel: i < all.length / 32 ? 'gelu_forward_i16i16' : 'gelu_backward_i32',
    bytes: all.subarray(16 * i, 16 * i + 16),
  }));

  test.runIf(runsAll)(
    `in any of the ${tables.length} tables of GELU within the WebAssembly module is found, and ` +
      'the kernel is named',
    () => {
      expect(tables).toHaveLength(16);
      const release = readFileSync(join(root, 'build/release.wasm'));
      for (const { table, kernel, bytes } of tables) {
        const module = new Uint8Array(release);
        const places: number[] = [];
        for (let at = release.indexOf(bytes); at >= 0; at = release.indexOf(bytes, at + 1))
          places.push(at);
        expect(places, `table ${table}`).not.toEqual([]);
        // the third segment; lower bits may be lost in rounding
        for (const at of places) module[at + 2] ^= 128;
        const report = verify(undefined, createWasmBackend({ pages: PAGES, bytes: module }));
        expect({ table, equal: report.equal, different: different(report) }).toEqual({
          table,
          equal: false,
          different: [kernel],
        });
      }
    },
  );

  test('a kernel that throws is a difference, and the others are still compared', () => {
    const backend = createWasmBackend({ pages: PAGES });
    const fail = (): never => {
      throw new Error('no such instruction');
    };
    const report = verify(undefined, {
      ...backend,
      kernels: { ...backend.kernels, hash_i32: fail },
    });
    expect(different(report)).toEqual(['hash_i32']);
    expect(report.rows.find(({ name }) => name === 'hash_i32')?.digest).toBe(
      'RetrogradError: hash_i32 failed: no such instruction',
    );
    expect(report.rows).toHaveLength(NAMES.length);
  });
});

describe('a runtime that cannot run the library', () => {
  afterEach(() => {
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
    vi.resetModules();
  });
  const messageOf = (work: () => unknown): string => {
    try {
      work();
    } catch (error) {
      return `${(error as Error).name}: ${(error as Error).message}`;
    }
    return 'it ran';
  };

  test('without WebAssembly: it can be imported, and verify says what is missing', async () => {
    vi.resetModules();
    vi.stubGlobal('WebAssembly', undefined);
    const fresh = await import('../../src/verify/index.ts');
    expect(messageOf(() => fresh.verify())).toBe(
      'RetrogradError: this runtime has no WebAssembly. HINT: use Node 20, a current ' +
        'browser, Deno or Bun',
    );
  });

  test('without SIMD: verify says what is missing', () => {
    const validate = vi.spyOn(WebAssembly, 'validate').mockReturnValue(false);
    expect(messageOf(() => verify())).toMatch(
      /^RetrogradError: this runtime has WebAssembly without 128-bit SIMD\. HINT: [^\n]+$/,
    );
    expect(validate).toHaveBeenCalledOnce();
  });

  test('big-endian: verify refuses', () => {
    const { Uint8Array: Bytes } = globalThis;
    vi.stubGlobal(
      'Uint8Array',
      class extends Bytes {
        constructor(...args: [ArrayBuffer, number?, number?]) {
          super(...args);
          if (args[0] instanceof ArrayBuffer) this.reverse();
        }
      },
    );
    expect(messageOf(() => verify())).toMatch(
      /^RetrogradError: this processor is big-endian: [^\n]+\. HINT: [^\n]+$/,
    );
  });
});
