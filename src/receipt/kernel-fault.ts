// The first call of a kernel in a step that does not do what the reference does: the step is run
// by both, their memories are compared at intervals, then at every call of the first interval that
// differs. Each run begins in the same state, so calls are found again by their number.

import { callback, fields, list } from '../core/check.ts';
import { hex } from '../core/digest.ts';
import { RetrogradError } from '../core/errors.ts';
import {
  type Backend,
  createWasmBackend,
  type Int8Build,
  type NamedTensor,
  Trainer,
  type TrainOptions,
} from '../index.ts';
import { readTensor } from '../train/tensors.ts';
import type { KernelCase } from '../verify/cases.ts';
import { referenceOn, type Wrap, wrapped } from './kernels.ts';
import { answerOf, type Call, caseOf } from './operands.ts';

/** The step to look at. */
export interface KernelFaultOptions<Batch> {
  /** The state that it begins in, as `tensors()` gives it. */
  tensors: readonly NamedTensor[];
  /** Steps done before it. */
  steps: number;
  /** Makes the step's batch and trains on it. */
  step: (trainer: Trainer<Batch>) => unknown;
  /** Makes a back end of so many bytes with the kernels to be judged (the library's own). */
  backend?: ((bytes: number) => Backend) | undefined;
}

/** A call that differs. */
export interface KernelFault {
  /** The kernel. */
  readonly kernel: string;
  /** Of a kernel for operands of 8 bits: the build whose layout packed operands have. */
  readonly build?: Int8Build;
  /** Its place among the step's calls of kernels, from 0 on. */
  readonly call: number;
  /** Its operands, as a case of docs/conformance.md. */
  readonly case: KernelCase;
  /** The answer that the contract gives, 64 hex digits. */
  readonly expected: string;
  /** That of the kernel that was judged: the same if the fault does not repeat. */
  readonly computed: string;
}

/** Calls between two looks at all memory. */
const INTERVAL = 128;

/** Sees a call: before it is made, and after it, with the whole memory in use. */
interface Watch {
  before?: (call: number, made: Omit<Call, 'base'>) => void;
  after?: (call: number, result: unknown, memory: Uint8Array) => void;
}

/** Runs the step on a back end and lets `watch` see its calls. */
function watched<Batch>(
  options: TrainOptions<Batch>,
  { tensors, steps, step }: Omit<KernelFaultOptions<Batch>, 'backend'>,
  make: (bytes: number) => Backend,
  watch: Watch,
): void {
  let call = -1; // laying out and restoring are no part of the step
  let memory: Uint8Array = new Uint8Array(0);
  const seen: Wrap = (kernel, run, build) => {
    return (...args) => {
      if (call < 0) return run(...args);
      watch.before?.(call, { kernel, build, args, memory });
      const result = run(...args);
      clearScratch(memory, kernel, args);
      watch.after?.(call, result, memory);
      call++;
      return result;
    };
  };
  const makeBackend = (bytes: number): Backend => {
    const own = make(bytes);
    memory = new Uint8Array(own.memory.buffer, own.base);
    return wrapped(own, seen);
  };
  const trainer = Trainer.forTests({ ...options, threads: 1 }, { makeBackend });
  trainer.restore(tensors, steps);
  memory = memory.subarray(0, trainer.peakBytes - memory.byteOffset);
  call = 0;
  try {
    step(trainer);
  } catch (error) {
    if (!(error instanceof RetrogradError)) throw error; // a wrong number may leave its range
  }
}

/** The bytes of scratch that a kernel's last argument points to: the contract leaves open what is
 *  there after a call. */
const SCRATCH: Readonly<Record<string, (args: readonly number[]) => number>> = {
  adamw_i64: () => 512,
  pack_columns_i8: ([, , k]) => 64 * k,
};

function clearScratch({ buffer }: Uint8Array, kernel: string, args: readonly number[]): void {
  const bytes = SCRATCH[kernel]?.(args) ?? 0;
  if (bytes > 0) new Uint8Array(buffer, args[args.length - 1], bytes).fill(0);
}

/** A quick fingerprint: it has to tell a fault, not an adversary. */
function fingerprint(memory: Uint8Array, result: unknown): number {
  const words = new Int32Array(memory.buffer, memory.byteOffset, memory.length >> 2);
  let h = Number(result ?? 0) | 0;
  for (let i = 0; i < words.length; i++) h = Math.imul(h ^ words[i], 0x9e3779b1) ^ (h >>> 15);
  return h;
}

/** Fingerprints after the calls from `from` on, every `every`th of them, before `to`. */
function prints(run: (watch: Watch) => void, from: number, to: number, every: number): number[] {
  const found: number[] = [];
  run({
    after: (call, result, memory) => {
      if (call >= from && call < to && (call + 1) % every === 0)
        found.push(fingerprint(memory, result));
    },
  });
  return found;
}

/** Where two lists part; undefined if they are the same. */
function parting(a: readonly number[], b: readonly number[]): number | undefined {
  const at = Array.from({ length: Math.max(a.length, b.length) }).findIndex(
    (_, i) => a[i] !== b[i],
  );
  return at < 0 ? undefined : at;
}

/** The first call of a kernel in one step that changes the memory in another way, or returns
 *  another number, than the reference does: plain TypeScript, formula by formula as
 *  docs/conformance.md has them, and slow. Undefined if there is none. `options`: those of the
 *  run. Throws UsageError for wrong options, and what `step`
 *  throws that is no error of the library.
 *  @example
 *  const model = gpt({ vocabulary: 4, layers: 1, channels: 8, heads: 2, context: 4 });
 *  const options = { model, batch: 1, steps: 10 };
 *  const batch = { inputs: Int32Array.of(0, 1, 2, 3), targets: Int32Array.of(1, 2, 3, 0) };
 *  const tensors = Trainer.create(options).tensors();
 *  const step = (trainer) => trainer.step(batch);
 *  console.log(findKernelFault(options, { tensors, steps: 0, step })); // undefined
 */
export function findKernelFault<Batch>(
  options: TrainOptions<Batch>,
  given: KernelFaultOptions<Batch>,
): KernelFault | undefined {
  const none = undefined;
  const about = fields<KernelFaultOptions<Batch>>('options of the step', given, {
    ...{ tensors: none, steps: none, step: none },
    backend: (bytes: number) => createWasmBackend({ pages: Math.ceil(bytes / 65536) }),
  });
  const judged = callback('backend', about.backend);
  callback('step', about.step);
  const tensors = list('tensors', about.tensors, (what, value) => readTensor(what, value)).map(
    (tensor) => ({ ...tensor, data: tensor.data.slice() }),
  );
  const { base } = judged(2 ** 18);
  const reference = (bytes: number): Backend => ({ ...referenceOn(bytes + base), base });
  const from = { ...about, tensors };
  const own = (watch: Watch): void => watched(options, from, judged, watch);
  const plain = (watch: Watch): void => watched(options, from, reference, watch);
  const both = (first: number, to: number, every: number): number | undefined =>
    parting(prints(own, first, to, every), prints(plain, first, to, every));
  let last = 0;
  own({
    after: (call) => {
      last = call;
    },
  });
  const interval = both(0, last, INTERVAL) ?? Math.floor(last / INTERVAL);
  const first = interval * INTERVAL;
  const at = both(first, first + INTERVAL, 1);
  return at === undefined ? undefined : faultOf(own, judged, first + at, base);
}

/** The fault of a call, with its operands. */
function faultOf(
  own: (watch: Watch) => void,
  judged: (bytes: number) => Backend,
  at: number,
  base: number,
): KernelFault {
  let call: Call | undefined;
  own({
    before: (number, made) => {
      if (number === at) call = { ...made, base, memory: made.memory.slice() };
    },
  });
  if (call === undefined) throw new RetrogradError('the step does not repeat on this machine');
  const { kernel, build, memory } = call;
  const one = caseOf(call);
  const bytes = 2 * memory.length + 2 ** 18;
  return {
    kernel,
    ...(build === undefined ? {} : { build }),
    call: at,
    case: one,
    expected: hex(answerOf(referenceOn(bytes), call, one)),
    computed: hex(answerOf(judged(bytes), call, one)),
  };
}
