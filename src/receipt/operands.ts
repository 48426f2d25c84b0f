// The operands of one call of a kernel, out of the memory of a run, as a conformance case: which of
// its arguments are addresses, a table says (arguments.ts); how far each is read or written, the
// reference kernel shows, run on a memory that takes note.

import type { Backend, Int8Build, Kernels } from '../index.ts';
import { Memory } from '../kernels/reference/memory.ts';
import { type BufferArgument, type KernelCase, runCase } from '../verify/cases.ts';
import { ARGUMENTS, IMAGE_ARGUMENTS, INT8_ARGUMENTS } from './arguments.ts';
import { base64 } from './base64.ts';
import { type AnyKernel, allKernels, referenceOn } from './kernels.ts';

/** A call as it was made, and all memory from the back end's base on as it was before. */
export interface Call {
  readonly kernel: string;
  /** Of operands of 8 bits: whose layout they have. */
  readonly build?: Int8Build | undefined;
  readonly args: readonly number[];
  readonly base: number;
  readonly memory: Uint8Array;
}

type Buffer = Pick<BufferArgument, 'type' | 'output'>;
const WIDTH = { uint8: 1, int16: 2, int32: 4, int64: 8 } as const;

const TYPES = { b: 'uint8', h: 'int16', w: 'int32', l: 'int64' } as const;

const ALL = { ...ARGUMENTS, ...INT8_ARGUMENTS, ...IMAGE_ARGUMENTS };

/** What an argument of a kernel points to; undefined for a number. */
function bufferOf(kernel: string, argument: number): Buffer | undefined {
  const letter = ALL[kernel][argument];
  const small = letter.toLowerCase();
  return small in TYPES
    ? { type: TYPES[small as keyof typeof TYPES], output: small !== letter }
    : undefined;
}

type View = Int8Array | Uint8Array | Int16Array | Int32Array | Uint32Array | BigInt64Array;

const VIEWS = ['uint8', 'int16', 'int32', 'uint32', 'int64'] as const;

/** A view that tells the end of each element, in bytes, when it is read or written. */
function noting<T extends View>(view: T, note: (end: number) => void): T {
  const touch = (index: number): void =>
    note(view.byteOffset + (index + 1) * view.BYTES_PER_ELEMENT);
  const isIndex = (key: string | symbol): boolean => /^\d+$/.test(String(key));
  return new Proxy(view, {
    get(target, key) {
      if (isIndex(key)) {
        touch(Number(key));
        return target[Number(key)];
      }
      if (key === 'fill')
        return (value: never, from = 0, to = target.length) => {
          if (to > from) touch(to - 1);
          return target.fill(value, from, to);
        };
      return Reflect.get(target, key, target);
    },
    set(target, key, value) {
      if (isIndex(key)) touch(Number(key));
      return Reflect.set(target, key, value, target);
    },
  });
}

/** A memory that notes the end of what is touched in each of its regions of `size` bytes. */
function notingMemory(size: number, regions: number): { memory: Memory; ends: number[] } {
  const memory = new Memory(size * regions);
  const ends: number[] = [];
  const note = (end: number): void => {
    const region = Math.ceil(end / size) - 1;
    ends[region] = Math.max(ends[region] ?? 0, end - region * size);
  };
  for (const name of VIEWS) {
    const plain: (at: number) => View = memory[name].bind(memory);
    Object.assign(memory, { [name]: (at: number) => noting(plain(at), note) });
  }
  return { memory, ends };
}

/** Bytes from `at` on that a call reads or writes for each of its addresses. */
function extents(call: Call, addresses: ReadonlyMap<number, Buffer>): Map<number, number> {
  const { kernel, build, args, base, memory } = call;
  const size = Math.ceil(memory.length / 64) * 64 + 64;
  const { memory: noted, ends } = notingMemory(size, addresses.size + 1);
  const moved = args.slice();
  [...addresses.keys()].forEach((argument, i) => {
    moved[argument] = (i + 1) * size;
    const from = memory.subarray(args[argument] - base);
    new Uint8Array(noted.buffer).set(from, moved[argument]);
  });
  (allKernels(referenceOn(0, noted), build)[kernel] as AnyKernel)(...moved);
  return new Map([...addresses.keys()].map((argument, i) => [argument, ends[i + 1] ?? 0]));
}

/** A call as a case that anyone can repeat. */
export function caseOf(call: Call): KernelCase {
  const { kernel, args, base, memory } = call;
  const addresses = new Map(
    args.flatMap((value, i): [number, Buffer][] => {
      const buffer = value === 0 ? undefined : bufferOf(kernel, i);
      return buffer === undefined ? [] : [[i, buffer]];
    }),
  );
  const sizes = extents(call, addresses);
  return {
    stream: 0,
    args: args.map((value, i) => {
      const buffer = addresses.get(i);
      if (buffer === undefined) return value;
      const { type, output } = buffer;
      const length = Math.ceil((sizes.get(i) as number) / WIDTH[type]);
      const at = value - base;
      const data = base64(memory.subarray(at, at + length * WIDTH[type]));
      return { type, length, data, ...(output === true ? { output } : {}) };
    }),
  };
}

/** What a back end makes of a case. */
export const answerOf = (
  backend: Backend,
  { kernel, build }: Pick<Call, 'kernel' | 'build'>,
  one: KernelCase,
): Uint8Array => {
  const kernels = allKernels(backend, build) as unknown as Kernels;
  return runCase({ ...backend, kernels }, kernel as keyof Kernels, one);
};
