// A known answer of one kernel: arguments as data, and the digest of what the kernel makes of them.
// docs/conformance.md tells a stranger the same in words; published/conformance.json holds the
// cases and digests that are published.

import {
  callback,
  choice,
  fields,
  list,
  properties,
  reading,
  refuse,
  text,
  whole,
} from '../core/check.ts';
import { sha256 } from '../core/digest.ts';
import { philox4x32 } from '../core/random.ts';
import { type Backend, type Kernels, RetrogradError, UsageError } from '../index.ts';

/** A buffer in the kernel's memory. Its elements come from Philox4x32-10: key (stream of the case,
 *  0), counter (element, argument, 0, 0). With the block's words w0, w1: an integer type has low +
 *  floor(w0 (high - low + 1) / 2^32); int64 has (w1 2^32 + w0), signed, shifted right by 64 - bits.
 *  What a kernel writes to is filled too, so that bytes it must not touch are part of the answer.
 */
export interface BufferArgument {
  /** Of its elements; stored little-endian. */
  readonly type: 'uint8' | 'int16' | 'int32' | 'int64';
  /** Number of elements. */
  readonly length: number;
  /** Least value (the type's least). */
  readonly low?: number;
  /** Largest value (the type's largest). */
  readonly high?: number;
  /** Of int64: values are signed and have this many bits (64). */
  readonly bits?: number;
  /** Its bytes in base64 instead of random numbers: operands that a run had. */
  readonly data?: string;
  /** True: its bytes after the call are part of the answer. */
  readonly output?: boolean;
}

/** One call of a kernel, as data. */
export interface KernelCase {
  /** Key of the random numbers that fill the buffers: another one for every case. */
  readonly stream: number;
  /** The kernel's arguments in its order: a number, or a buffer whose address is passed. */
  readonly args: readonly (number | BufferArgument)[];
}

const WIDTH = { uint8: 1, int16: 2, int32: 4, int64: 8 } as const;
const RANGE = {
  uint8: [0, 255],
  int16: [-(2 ** 15), 2 ** 15 - 1],
  int32: [-(2 ** 31), 2 ** 31 - 1],
} as const;
/** Buffers begin on multiples of this. */
const ALIGNMENT = 64;

/** Element `index` of argument `argument`. */
function element(
  { type, low, high, bits = 64 }: BufferArgument,
  stream: number,
  argument: number,
  index: number,
): bigint {
  const [w0, w1] = philox4x32(index, argument, 0, 0, stream, 0);
  if (type === 'int64')
    return BigInt.asIntN(64, (BigInt(w1) << 32n) | BigInt(w0)) >> BigInt(64 - bits);
  const from = BigInt(low ?? RANGE[type][0]);
  const to = BigInt(high ?? RANGE[type][1]);
  return from + ((BigInt(w0) * (to - from + 1n)) >> 32n);
}

function fill(bytes: Uint8Array, buffer: BufferArgument, stream: number, argument: number): void {
  if (buffer.data !== undefined) {
    bytes.set(Uint8Array.from(atob(buffer.data), (c) => c.charCodeAt(0)));
    return;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let i = 0; i < buffer.length; i++) {
    const value = element(buffer, stream, argument, i);
    if (buffer.type === 'uint8') view.setUint8(i, Number(value));
    else if (buffer.type === 'int16') view.setInt16(2 * i, Number(value), true);
    else if (buffer.type === 'int32') view.setInt32(4 * i, Number(value), true);
    else view.setBigInt64(8 * i, value, true);
  }
}

/** SHA-256 of the answer: the result as a little-endian int64 (0 if there is none), then every
 *  output's bytes in the order of the arguments. Throws RetrogradError if the buffers do not fit in
 *  the back end's memory.
 *  @example
 *  const args = [{ type: 'int64', length: 5, bits: 20 }, 5];
 *  const answer = runCase(createWasmBackend({ pages: 1 }), 'max_bits_i64', { stream: 1, args });
 *  console.log(answer.length, answer[0]); // 32 16
 */
export function runCase(
  backend: Backend,
  kernel: keyof Kernels,
  given: KernelCase,
): Uint8Array<ArrayBuffer> {
  const {
    kernels,
    memory: { buffer: memory },
    base,
  } = readBackend(backend);
  const { stream, args: own } = properties('the case', given, ['stream', 'args']);
  whole('stream', stream, 0, 2 ** 32 - 1);
  const args = list('args', own, readArgument);
  const call = callback(
    text('kernel', kernel),
    reading('its kernels', () => kernels[kernel]),
  );
  let at = base;
  const addresses = args.map((argument) => {
    if (typeof argument === 'number') return argument;
    const start = at;
    at = Math.ceil((at + argument.length * WIDTH[argument.type]) / ALIGNMENT) * ALIGNMENT;
    return start;
  });
  if (at > memory.byteLength)
    throw new RetrogradError(
      `a case of ${kernel} needs ${at} bytes, the memory has ${memory.byteLength}`,
    );
  const bytesOf = (i: number, { length, type }: BufferArgument): Uint8Array =>
    new Uint8Array(memory, addresses[i], length * WIDTH[type]);
  args.forEach((argument, i) => {
    if (typeof argument !== 'number') fill(bytesOf(i, argument), argument, stream, i);
  });
  const word = new DataView(new ArrayBuffer(8));
  word.setBigInt64(
    0,
    resultOf(kernel, () => (call as (...all: number[]) => unknown)(...addresses)),
    true,
  );
  const outputs = args.map((argument, i) =>
    typeof argument !== 'number' && argument.output ? bytesOf(i, argument) : new Uint8Array(0),
  );
  return sha256([new Uint8Array(word.buffer), ...outputs]);
}

/** A back end whose parts are there. */
function readBackend(backend: Backend): Backend {
  const own = properties('the back end', backend, ['name', 'kernels', 'memory', 'base']);
  const { buffer } = properties('its memory', own.memory, ['buffer']);
  const size = reading('its memory', () => new Uint8Array(buffer).length);
  if (Object(own.kernels) !== own.kernels) refuse('its kernels', own.kernels, 'an object');
  return { ...own, memory: { buffer }, base: whole('its base', own.base, 0, size) };
}

/** A number, or a buffer. */
function readArgument(name: string, value: unknown): number | BufferArgument {
  if (typeof value === 'number') return whole(name, value, -(2 ** 32), 2 ** 32);
  const none = undefined;
  const given = {
    ...{ type: none, length: none, low: none, high: none, bits: none },
    ...{ data: none, output: false },
  };
  const own = fields<BufferArgument>(name, value as BufferArgument, given as never);
  const { type } = own;
  choice('type', type, ['uint8', 'int16', 'int32', 'int64']);
  whole('length', own.length, 0, 2 ** 32);
  for (const side of ['low', 'high'] as const)
    if (own[side] !== undefined) whole(side, own[side], -(2 ** 31), 2 ** 32);
  if (own.bits !== undefined) whole('bits', own.bits, 1, 64);
  if (own.data !== undefined) checkData(own.data, own.length * WIDTH[type]);
  return own;
}

/** Refuses all but the base64 of so many bytes. */
function checkData(data: string, size: number): void {
  text('data', data);
  const isWhole = data.length === 4 * Math.ceil(size / 3) && /^[A-Za-z0-9+/]*={0,2}$/.test(data);
  if (!isWhole || atob(data).length !== size)
    throw new UsageError(`data is not the base64 of the ${size} bytes of a buffer`);
}

/** What a kernel returns. Out of the memory it traps: no bits, an error. */
function resultOf(kernel: string, run: () => unknown): bigint {
  try {
    return BigInt((run() ?? 0) as number);
  } catch (error) {
    if (error instanceof RetrogradError) throw error;
    const why = reading('its error', () => String((error as Error).message));
    throw new RetrogradError(`${kernel} failed: ${why}`);
  }
}
