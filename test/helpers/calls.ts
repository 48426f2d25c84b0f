// Kernel calls described as data, run alike on every back end, compared bit for bit. The blocks of
// a call are laid out at the very end of the memory with a guard zone around each, so that three
// faults show: an output that differs, a byte written outside an output (guards and inputs must
// keep their bytes), and, for the block that ends with the memory, a read beyond it (WebAssembly
// traps). Which block comes last, and how far the others are from a 16-byte boundary, changes from
// case to case.

import type { ImageKernels } from '../../src/kernels/image.ts';
import type { Int8Kernels } from '../../src/kernels/int8.ts';
import type { Backend, Kernels } from '../../src/kernels/kernels.ts';
import type { Typed } from './data.ts';

/** A piece of memory given to a kernel. `scratch` may end up with any content. */
export interface Block {
  readonly role: 'in' | 'out' | 'scratch';
  readonly data: Typed;
}
/** A pointer into a block. */
export interface Place {
  readonly block: Block;
  readonly offsetBytes: number;
}
type Argument = number | Block | Place;
type Arguments<F> = F extends (...args: infer P) => unknown ? { [I in keyof P]: Argument } : never;
type AllKernels = Kernels & Int8Kernels & ImageKernels;
export type Call = {
  [K in keyof AllKernels]: { kernel: K; args: Arguments<AllKernels[K]> };
}[keyof AllKernels];
export interface Outcome {
  /** What the kernel returned. */
  readonly result: number | undefined;
  /** The content of a block after the call, as the type it was given. */
  of<T extends Typed>(block: { readonly data: T }): T;
}

export const input = <T extends Typed>(data: T) => ({ role: 'in', data }) as const;
/** An output, or an input that is overwritten: its content before the call is `data`. */
export const inout = <T extends Typed>(data: T) => ({ role: 'out', data }) as const;
/** An output with a content before the call that no kernel produces by accident. */
export function output<T extends Typed>(data: T) {
  const bytes = new Uint8Array(data.buffer);
  for (const i of bytes.keys()) bytes[i] = 0x5b + 7 * i;
  return { role: 'out', data } as const;
}
export const scratch = <T extends Typed>(data: T) => ({ role: 'scratch', data }) as const;
export const inside = (block: Block, offsetBytes: number): Place => ({ block, offsetBytes });

const GUARD = 64;
let guards = new Uint8Array(0);
/** What lies around the blocks. */
function guardBytes(size: number): Uint8Array {
  if (guards.length < size)
    guards = Uint8Array.from({ length: size }, (_, address) => (address * 37 + 0xa5) & 0xff);
  return guards.subarray(0, size);
}

function blockOf(argument: Argument): Block | undefined {
  if (typeof argument === 'number') return undefined;
  return 'block' in argument ? argument.block : argument;
}
const bytesOf = (data: Typed): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** Distances from the end of the memory at which the blocks begin, and the size of the whole
 *  region. `turn` varies it. */
function layOut(
  blocks: readonly Block[],
  turn: number,
): { starts: Map<Block, number>; size: number } {
  const last = turn % Math.max(1, blocks.length);
  // the first of these ends with the memory
  const order = [...blocks.slice(last), ...blocks.slice(0, last)];
  const starts = new Map<Block, number>();
  let used = 0;
  for (const [i, { data }] of order.entries()) {
    if (i > 0) used = Math.ceil((used + GUARD) / 16) * 16 + ((turn * data.BYTES_PER_ELEMENT) % 16);
    used = Math.ceil((used + data.byteLength) / data.BYTES_PER_ELEMENT) * data.BYTES_PER_ELEMENT;
    starts.set(order[i], used);
  }
  return { starts, size: Math.ceil((used + GUARD) / 64) * 64 };
}

/** Runs one call on one back end; throws if anything but an output or scratch block has changed. */
export function run(backend: Backend, call: Call, turn: number): Outcome {
  const blocks = [
    ...new Set((call.args as Argument[]).map(blockOf).filter((block) => block !== undefined)),
  ];
  const { starts, size } = layOut(blocks, turn);
  const end = backend.memory.buffer.byteLength;
  if (end - size < backend.base)
    throw new Error(
      `${call.kernel}: the test needs ${size} bytes, the memory has ${end - backend.base}`,
    );
  const address = (block: Block): number => end - (starts.get(block) as number);

  const region = new Uint8Array(backend.memory.buffer, end - size, size);
  region.set(guardBytes(size));
  for (const block of blocks) region.set(bytesOf(block.data), address(block) - (end - size));
  const before = region.slice();

  const args = (call.args as Argument[]).map((argument) => {
    if (typeof argument === 'number') return argument;
    return 'block' in argument ? address(argument.block) + argument.offsetBytes : address(argument);
  });
  const all = { ...backend.kernels, ...backend.int8?.('baseline'), ...backend.image } as AllKernels;
  const kernel = all[call.kernel] as (...args: number[]) => number | undefined;
  const result = kernel(...args);

  const after = new Uint8Array(backend.memory.buffer, end - size, size).slice();
  const contents = new Map<Block, Typed>();
  for (const block of blocks) {
    const at = address(block) - (end - size);
    const Type = block.data.constructor as new (buffer: ArrayBuffer) => Typed;
    contents.set(block, new Type(after.slice(at, at + block.data.byteLength).buffer));
    // the only bytes allowed to change
    if (block.role !== 'in') before.set(after.subarray(at, at + block.data.byteLength), at);
  }
  if (Buffer.compare(before, after) !== 0) {
    const stray = before.findIndex((byte, i) => byte !== after[i]);
    throw new Error(
      `${describe(call)} on ${backend.name} wrote outside its outputs: ` +
        `${where(stray, size, starts)}`,
    );
  }
  return {
    result,
    of: <T extends Typed>(block: { readonly data: T }) =>
      contents.get(block as unknown as Block) as T,
  };
}

/** Says where a stray byte lies relative to the nearest block. */
function where(stray: number, size: number, starts: Map<Block, number>): string {
  const distances = [...starts].map(([block, start], i) => ({
    i,
    block,
    from: stray - (size - start),
  }));
  const nearest = distances.sort(
    (a, b) =>
      Math.min(Math.abs(a.from), Math.abs(a.from - a.block.data.byteLength)) -
      Math.min(Math.abs(b.from), Math.abs(b.from - b.block.data.byteLength)),
  )[0];
  return (
    `byte ${nearest.from} of a block of ${nearest.block.data.byteLength} bytes (role ` +
    `${nearest.block.role})`
  );
}

function describe(call: Call): string {
  const args = (call.args as Argument[]).map((a) =>
    typeof a === 'number' ? a : `${blockOf(a)?.role}[${blockOf(a)?.data.length}]`,
  );
  return `${call.kernel}(${args.join(', ')})`;
}

/** Runs calls on every back end and demands equal bits. Counts the cases, so that a suite that ran
 *  none fails. */
export class Equality {
  cases = 0;
  constructor(readonly backends: readonly Backend[]) {
    if (backends.length < 2) throw new Error('nothing to compare: fewer than two back ends');
  }

  /** The outcome that all back ends agree on. Throws at the first difference, naming kernel,
   *  arguments, element and both values. */
  check(call: Call): Outcome {
    const [first, ...others] = this.backends;
    const turn = this.cases++;
    const expected = run(first, call, turn);
    for (const backend of others) {
      const actual = run(backend, call, turn);
      const context = `${describe(call)}: ${backend.name} differs from ${first.name}`;
      if (actual.result !== expected.result)
        throw new Error(`${context}: returned ${actual.result}, expected ${expected.result}`);
      for (const argument of call.args as Argument[]) {
        const block = blockOf(argument);
        if (block?.role !== 'out') continue;
        const got = actual.of(block);
        const want = expected.of(block);
        const i = got.findIndex((value: number | bigint, at: number) => value !== want[at]);
        if (i >= 0) throw new Error(`${context}: element ${i} is ${got[i]}, expected ${want[i]}`);
      }
    }
    return expected;
  }

  /** Fails unless at least `cases` calls were compared. */
  finish(cases: number): void {
    if (this.cases < Math.max(1, cases))
      throw new Error(`only ${this.cases} of ${cases} cases ran`);
  }
}
