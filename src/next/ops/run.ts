// What every layer works with: the kernels and their memory, the threads, the counters, and all that
// varies within a step.

import { Device } from '../../kernels/device.ts';
import type { Gradient, Tensor } from '../memory/tensor.ts';
import { Sum } from './sum.ts';

/** Another sequence that cross-attention looks at, and its gradient, int32, to which it adds. */
export interface Memory {
  readonly tensor: Tensor;
  readonly gradient: Gradient;
}

export class Run extends Device {
  /** The memory as int16, for layers that compute in TypeScript. */
  readonly int16 = new Int16Array(this.bytes.buffer);
  /** Which block of a stack the weights at hand are of; 0 outside of stacks. */
  block = 0;
  memory: Memory | undefined;
  /** The one sum of gradients that is being written down. */
  readonly sum = new Sum(this);
}
