// docs/conformance.md suffices: an implementation of every kernel and of the random generator that
// is written from that page alone, in plain BigInt, with its tables and constants read from the
// page, gives every digest of src/verify/published/conformance.json. Nothing of src is imported.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  count,
  type Elements,
  type Kernel,
  modulo,
  q15,
  saturated,
  two,
} from './conformance/arithmetic.ts';
import { layerKernels } from './conformance/layers.ts';
import { operandKernels } from './conformance/operands.ts';
import { GAP, page, philox, SLOPE } from './conformance/page.ts';
import { updateKernels } from './conformance/updates.ts';

const root = join(import.meta.dirname, '../..');
type Buffered = {
  type: string;
  length: number;
  low?: number;
  high?: number;
  bits?: number;
  output?: boolean;
};
type Case = { stream: number; args: (number | Buffered)[]; digest: string };
const golden = JSON.parse(
  readFileSync(join(root, 'src/verify/published/conformance.json'), 'utf8'),
) as {
  digest: string;
  kernels: Record<string, { digest: string; cases: Case[] }>;
  runs: Record<string, Record<string, string>>;
};
const sha256 = (data: Uint8Array | string): Uint8Array =>
  createHash('sha256').update(data).digest();
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

const KERNELS: Record<string, Kernel> = { ...operandKernels, ...layerKernels, ...updateKernels };

// ---- the vectors, from the page -----------------------------------------------------------------

const width = (type: string): number => Number(/\d+/.exec(type)![0]);

function fill(
  { type, length, low, high, bits: b = 64 }: Buffered,
  stream: number,
  argument: number,
): Elements {
  const n = width(type);
  const from = BigInt(low ?? (type === 'uint8' ? 0n : -two(n - 1)));
  const to = BigInt(high ?? (type === 'uint8' ? 255n : two(n - 1) - 1n));
  return count(length).map((i) => {
    const [w0, w1] = philox([BigInt(i), BigInt(argument), 0n, 0n], [BigInt(stream), 0n]);
    return type === 'int64'
      ? BigInt.asIntN(64, (w1 << 32n) + w0) >> BigInt(64 - b)
      : from + ((w0 * (to - from + 1n)) >> 32n);
  });
}

const littleEndian = (values: Elements, n: number): number[] =>
  values.flatMap((value) =>
    count(n / 8).map((i) => Number((BigInt.asUintN(n, value) >> BigInt(8 * i)) & 0xffn)),
  );

function answer(kernel: Kernel, { stream, args }: Case): Uint8Array {
  const filled = args.map((argument, i) =>
    typeof argument === 'number' ? argument : fill(argument, stream, i),
  );
  // A number where the kernel has a pointer is 0: the implementations above take undefined for it.
  const result = kernel(
    ...filled.map((argument, i) => (argument === 0 && isPointer(kernel, i) ? undefined : argument)),
  );
  return sha256(
    Uint8Array.from([
      ...littleEndian([BigInt((result ?? 0) as number | bigint)], 64),
      ...args.flatMap((argument, i) =>
        typeof argument !== 'number' && argument.output
          ? littleEndian(filled[i] as Elements, width(argument.type))
          : [],
      ),
    ]),
  );
}

/** Whether an argument is a pointer by the page's signature, where pointers have a star. */
const signatures = new Map(
  [...page.matchAll(/^(\w+)\(([*\w, ]+)\)(?: -> number)?$/gm)].map(([, name, list]) => [
    KERNELS[name],
    list.split(', '),
  ]),
);
const isPointer = (kernel: Kernel, i: number): boolean =>
  signatures.get(kernel)![i].startsWith('*');

describe('docs/conformance.md', () => {
  test('is up to date', () => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['docs/generate/conformance-page.mjs', '--check'],
      { cwd: root, encoding: 'utf8' },
    );
    expect(stderr.slice(-1000) + stdout).toBe('docs/conformance.md is up to date\n');
    expect(status).toBe(0);
  });

  test('the generator gives the 3 known answers that the page publishes', () => {
    const rows = [
      ...page.matchAll(/^\| `([0-9a-f ]{35})` \| `([0-9a-f ]{17})` \| `([0-9a-f ]{35})` \|$/gm),
    ].map((row) => row.slice(1).map((cell) => cell.split(' ').map((word) => BigInt(`0x${word}`))));
    expect(rows.length).toBe(3);
    for (const [counter, key, block] of rows) expect(philox(counter, key)).toEqual(block);
  });

  test('the page and this file have the same kernels as the vectors', () => {
    expect([...page.matchAll(/^#### (\w+)$/gm)].map(([, name]) => name)).toEqual(
      Object.keys(golden.kernels),
    );
    expect(Object.keys(KERNELS)).toEqual(Object.keys(golden.kernels));
    expect(signatures.size).toBe(Object.keys(golden.kernels).length);
  });

  test.each(Object.entries(golden.kernels))(
    '%s, written from the page, gives every digest',
    (name, { digest, cases }) => {
      const answers = cases.map((one) => answer(KERNELS[name], one));
      expect(answers.map((one) => hex(one).slice(0, 16))).toEqual(cases.map((one) => one.digest));
      expect(hex(sha256(Buffer.concat(answers)))).toBe(digest);
    },
  );

  test('the digest of everything is that of the kernels and the runs, in order', () => {
    const all = [
      ...Object.values(golden.kernels).map(({ digest }) => digest),
      ...Object.values(golden.runs).flatMap((stages) => Object.values(stages)),
    ];
    expect(hex(sha256(all.join('')))).toBe(golden.digest);
    for (const digest of all) expect(page).toContain(digest);
  });

  test('GELU: no sum within the cubic leaves int16', () => {
    for (const T of [GAP, SLOPE])
      for (let u = 0n; u <= 10239n; u++) {
        const w = 3n * u + q15(u, 6554n);
        const f = modulo(w, 11) << 4n;
        const [T0, T1, T2, T3] = T.map((row) => row[Number(w >> 11n)]);
        for (const one of [
          q15(T3, f) + T2,
          q15(q15(T3, f) + T2, f) + T1,
          q15(q15(q15(T3, f) + T2, f) + T1, f) + T0,
        ])
          if (saturated(one, 16) !== one) expect.fail(`u = ${u}`);
      }
  });
});
