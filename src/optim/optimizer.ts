// What an optimizer is: a rule that changes weights by their gradients, parameter by parameter.
// Norm, clipping and formats are the updater's affair (updater.ts).

import type { Pointer } from '../kernels/kernels.ts';
import type { Parameter } from '../memory/parameter.ts';
import type { Run } from '../ops/run.ts';

/** A tensor that an optimizer keeps of every parameter: int32, of the clipped gradient's scale. It
 *  must stay within what clipped gradients do (a mean of them, say): 2^30. */
export interface Slot {
  /** Names its tensors in a checkpoint: `optimizer.m.path`. */
  readonly name: string;
  /** Smallest raw value: -2^30, or 0. */
  readonly low: number;
}

/** A step, the same for all parameters. */
export interface StepInfo {
  /** 0-based. */
  readonly step: number;
  /** Learning rate with 32 fraction bits. */
  readonly rate: bigint;
}

/** A thread's part of a parameter. */
export interface Part {
  /** Whose part it is. */
  readonly parameter: Parameter;
  /** Elements of it. */
  readonly n: number;
  /** int32 weights, 24 fraction bits: address of the part's first element. */
  readonly master: Pointer;
  /** int64 gradients of the summed loss, 28 fraction bits. */
  readonly gradient: Pointer;
  /** int32, one for each of the optimizer's slots. */
  readonly slots: readonly Pointer[];
  /** The clipped gradient of the mean loss has 30 - scale fraction bits and is at most 2^30: it is
   *  halfUp(halfUp(gradient, shift) * factor, factorShift). */
  readonly scale: number;
  /** Of `scale`. */
  readonly shift: number;
  /** Of `scale`. */
  readonly factor: number;
  /** Of `scale`. */
  readonly factorShift: number;
  /** Bytes that the optimizer asked for. */
  readonly scratch: Pointer;
}

/** How weights change by their gradients. */
export interface Optimizer {
  /** Its name in checkpoints. */
  readonly name: string;
  /** What a checkpoint keeps of it beside the name. */
  readonly options: Readonly<Record<string, unknown>>;
  /** What it keeps of every parameter. */
  readonly slots: readonly Slot[];
  /** Bytes that `update` may overwrite. */
  readonly scratchBytes: number;
  /** Changes the weights and slots of a part; returns how many weights were clamped to their range.
   */
  update(run: Run, part: Part, info: StepInfo): number;
  /** Elements of a parameter that threads do not part (64): its size, for one that is changed as a
   *  whole, such as rows that sum to one. */
  unit?(parameter: Parameter): number;
}
