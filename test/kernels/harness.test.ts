// The test of the tests: seeded faults in a wrapped back end make the equality checker fail, and
// nothing passes without having run.
import { describe, expect, it } from 'vitest';
import type { Backend, Kernels } from '../../src/kernels/kernels.ts';
import { createReferenceBackend } from '../../src/kernels/reference/index.ts';
import { BACKEND_TABLE, backends } from '../helpers/backends.ts';
import { type Call, Equality, input, output, run } from '../helpers/calls.ts';
import { CASES } from '../helpers/conformance-cases.ts';
import { int16s, int32s } from '../helpers/data.ts';
import { Worst } from '../helpers/suite.ts';

const BYTES = 2 ** 20;

/** A reference back end whose kernel calls `after` with the memory and its arguments when it is
 *  done. */
function faulty<K extends keyof Kernels>(
  kernel: K,
  after:
    | ((bytes: Uint8Array, args: number[], result: number) => number)
    | ((bytes: Uint8Array, args: number[], result: number) => void),
): Backend {
  const backend = createReferenceBackend(BYTES);
  const original = backend.kernels[kernel] as (...args: number[]) => number;
  const broken = (...args: number[]): number => {
    const result = original(...args);
    return after(new Uint8Array(backend.memory.buffer), args, result) ?? result;
  };
  return { ...backend, name: 'release', kernels: { ...backend.kernels, [kernel]: broken } };
}
const compare = (backend: Backend, call: Call): void =>
  void new Equality([createReferenceBackend(BYTES), backend]).check(call);

const N = 37;
const quantize = (): Call => ({
  kernel: 'quantize_i32i16',
  args: [input(int32s(1, N, 'random')), output(new Int16Array(N)), N, 15, 32767],
});

describe('the equality checker', () => {
  it('passes when nothing is wrong', () => {
    expect(() =>
      compare(
        faulty('quantize_i32i16', () => {}),
        quantize(),
      ),
    ).not.toThrow();
  });

  it('sees each single flipped bit of an output: 37 elements x 16 bits', () => {
    let seen = 0;
    for (let bit = 0; bit < 16 * N; bit++) {
      const backend = faulty('quantize_i32i16', (bytes, [, out]) => {
        bytes[out + (bit >> 3)] ^= 1 << (bit & 7);
      });
      expect(() => compare(backend, quantize())).toThrow(`element ${bit >> 4} is`);
      seen++;
    }
    expect(seen).toBe(592);
  });

  it('sees two swapped lanes', () => {
    const backend = faulty('quantize_i32i16', (bytes, [, out]) => {
      bytes.set([...bytes.slice(out + 2, out + 4), ...bytes.slice(out, out + 2)], out);
    });
    expect(() => compare(backend, quantize())).toThrow('element 0 is');
  });

  it('sees a wrong count', () => {
    expect(() =>
      compare(
        faulty('quantize_i32i16', (_bytes, _args, result) => result + 1),
        quantize(),
      ),
    ).toThrow('returned');
  });

  it('sees one byte written before or after an output, up to 48 bytes away', () => {
    for (const offset of [-48, -17, -1, 2 * N, 2 * N + 15, 2 * N + 47]) {
      const backend = faulty('quantize_i32i16', (bytes, [, out]) => {
        if (out + offset < bytes.length) bytes[out + offset] ^= 1;
      });
      expect(() => {
        for (let turn = 0; turn < 2; turn++) run(backend, quantize(), turn);
      }).toThrow('wrote outside its outputs');
    }
  });

  it('sees a changed input', () => {
    expect(() =>
      compare(
        faulty('quantize_i32i16', (bytes, [a]) => {
          bytes[a] ^= 128;
        }),
        quantize(),
      ),
    ).toThrow('role in');
  });

  it('sees an output that was never written', () => {
    const backend = createReferenceBackend(BYTES);
    const lazy: Backend = {
      ...backend,
      name: 'release',
      kernels: { ...backend.kernels, quantize_i32i16: () => 0 },
    };
    expect(() =>
      compare(lazy, {
        kernel: 'quantize_i32i16',
        args: [input(new Int32Array(N)), output(new Int16Array(N)), N, 15, 32767],
      }),
    ).toThrow('element 0 is');
  });

  it('fails with one back end, with no case, and with too few', () => {
    expect(() => new Equality([createReferenceBackend(64)])).toThrow('fewer than two back ends');
    const none = new Equality([createReferenceBackend(BYTES), createReferenceBackend(BYTES)]);
    expect(() => none.finish(0)).toThrow('only 0');
    none.check(quantize());
    expect(() => none.finish(2)).toThrow('only 1 of 2');
  });

  it('a worst error fails if it is too large, not a number, or was never measured', () => {
    const fails = (see: (worst: Worst) => void): void => {
      const worst = new Worst();
      see(worst);
      expect(() => worst.expectAtMost(1, 'a seeded fault')).toThrow();
    };
    fails(() => {});
    fails((worst) => worst.see(1.01, () => 'here'));
    fails((worst) => {
      worst.see(0, () => 'here');
      worst.see(NaN, () => 'there');
      worst.see(0.5, () => 'after');
    });
  });
});

describe('the back ends', () => {
  const kernels = Object.keys(CASES).sort(); // by their type exactly those of the contract

  it(
    `are three: reference, release, checked, each with the ${kernels.length} kernels of the ` +
      'contract',
    () => {
      expect(Object.keys(BACKEND_TABLE)).toEqual(['reference', 'release', 'checked']);
      expect(kernels.length).toBeGreaterThan(0);
      expect(Object.keys(createReferenceBackend(64).kernels).sort()).toEqual(kernels);
      for (const [i, backend] of backends().entries()) {
        expect(backend.name).toBe(Object.keys(BACKEND_TABLE)[i]);
        expect(backend.base).toBeGreaterThan(0);
        for (const kernel of kernels)
          expect(typeof backend.kernels[kernel as keyof Kernels]).toBe('function');
      }
    },
  );

  it(
    'release and checked trap on a read beyond the memory, so the block at its end shows an ' +
      'over-read',
    () => {
      for (const backend of backends().slice(1)) {
        const end = backend.memory.buffer.byteLength;
        expect(() => backend.kernels.max_abs_i32(end - 16, 8, 1, 8)).toThrow();
      }
    },
  );

  it('data differ in each lane: 64 random int16s are all different', () => {
    expect(new Set(int16s(2, 64, 'random')).size).toBe(64);
  });
});
