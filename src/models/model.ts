// What a trainer needs of a model, whatever it learns from. A model lays itself out in an arena, holds the sequences of a micro-batch and
// knows the order of the passes; every thread has an instance of its own over the same memory and works on its own lanes.

import type { Device } from '../kernels/device.ts';
import type { ParameterStore } from '../nn/parameters.ts';
import type { Reconstruction, StackOptions } from '../reversible/stack.ts';
import type { Arena } from '../tensor/arena.ts';
import { LOSS_FRACTION } from '../tensor/formats.ts';

/** How a model is run. */
export interface ModelRun extends StackOptions {
  /** Sequences held at a time. */
  readonly sequences: number;
  /** l: fraction bits of the residual state. */
  readonly fraction: number;
  /** Threads that may work at once; each has workspace of its own. */
  readonly threads: number;
}

/** What a thread found on its lanes. */
export interface Score {
  /** Summed loss in nats, 16 fraction bits. */
  loss: number;
  /** Predictions that were right, where that is counted. */
  correct: number;
}

/** Lays a model out in an arena. */
export type MakeModel<M extends Model = Model, Config = never> = (arena: Arena, config: Config, run: ModelRun) => M;

export interface Model {
  readonly store: ParameterStore;
  /** Of this thread, in the present job. */
  readonly reconstruction: Reconstruction;
  resetReconstruction(): void;
  /** Forward and backward over the `count` loaded samples, first .. of 0-based `step`; adds to the gradients of the summed loss. Every
   *  thread of the team runs it on its own lanes. */
  accumulate(d: Device, first: number, count: number, step: number): Score;
  /** Score of the model on this thread's lanes of `count` loaded samples, without changing anything. gamma8: 8 gamma, usually 0. */
  evaluate(d: Device, count: number, gamma8: number): Score;
}

/** A raw loss in nats. */
export const nats = (raw: number): number => raw / 2 ** LOSS_FRACTION;
