// The first kernel call of a step that does not do what the reference does is named, of every kind
// of run: int16 operands, operands of 8 bits in both layouts, convolutions.

import { describe, expect, test } from 'vitest';
import { hex } from '../../src/core/digest.ts';
import {
  type Backend,
  chooseInt8,
  createWasmBackend,
  gpt,
  idf,
  int8,
  iRevNet,
  type Kernels,
  type Operands,
  Trainer,
  type TrainOptions,
} from '../../src/index.ts';
import { Int8Matrix } from '../../src/layers/int8-matrix.ts';
import { findKernelFault, type KernelFault } from '../../src/receipt/index.ts';
import { type AnyKernel, allKernels, referenceOn, wrapped } from '../../src/receipt/kernels.ts';
import { runCase } from '../../src/verify/index.ts';
import { sizedBackend } from '../helpers/backends.ts';
import { withChecked } from '../helpers/int8.ts';
import { batchOf, optionsOf, SHAPE } from './small-run.ts';

type Make = (bytes: number) => Backend;

const release: Make = (bytes) => createWasmBackend({ pages: Math.ceil(bytes / 65536) });

/** A back end one of whose kernels changes a bit of what an argument points to, in some of its
 *  calls. */
const faulty =
  (make: Make, kernel: string, argument: number, isBad: (call: number) => boolean): Make =>
  (bytes) => {
    const own = make(bytes);
    let calls = 0;
    return wrapped(own, (name, run) => {
      if (name !== kernel) return run;
      return (...args) => {
        const result = run(...args);
        if (isBad(calls++)) new Uint8Array(own.memory.buffer)[args[argument]] ^= 1;
        return result;
      };
    });
  };

/** A run, a step of it, and the back end that it is judged on. */
interface Judged {
  name: string;
  options: TrainOptions<never>;
  batch: (trainer: Trainer<never>) => unknown;
  make: Make;
  /** Kernels, and which of their arguments points to what they write. */
  kernels: readonly (readonly [string, number])[];
}

function judge({ options, batch, make }: Judged, backend: Make): KernelFault | undefined {
  const trainer = Trainer.forTests(options, { makeBackend: make });
  const step = (own: Trainer<never>): unknown => own.step(batch(own) as never);
  step(trainer);
  const tensors = trainer.tensors().map((tensor) => ({ ...tensor, data: tensor.data.slice() }));
  return findKernelFault(options, { tensors, steps: 1, step, backend });
}

const judgeCase = (backend: Backend, { kernel, build, case: one }: KernelFault): string => {
  const kernels = allKernels(backend, build) as Record<string, AnyKernel>;
  const every = { ...backend, kernels: kernels as unknown as Kernels };
  return hex(runCase(every, kernel as keyof Kernels, one));
};

/** The relaxed layout where the runtime may not have its instruction. */
function relaxedLayout(): Operands {
  return {
    ...int8(),
    matrix: (at, shape) =>
      shape.kind === 'sums' ? undefined : new Int8Matrix(at, shape, 'relaxed'),
  };
}

const withInt8 = (operands: Operands): TrainOptions<never> =>
  optionsOf({ model: gpt({ ...SHAPE, operands }) }) as never;
const PACKS = [
  ['pack_rows_i8', 4],
  ['pack_nn_i8', 4],
  ['pack_nt_i8', 4],
] as const;
const PRODUCTS = [
  ['gemm_i8i8i32', 2],
  ['gemm_i8i8i64', 2],
] as const;
const pixels = (size: number): Uint8Array =>
  Uint8Array.from({ length: size }, (_, i) => 60 + ((i * i) % 90));

const RUNS: Judged[] = [
  {
    name: 'int16 operands',
    options: optionsOf() as never,
    batch: batchOf as never,
    make: release,
    kernels: [
      ['pack_nn_i16', 4],
      ['adamw_i64', 0],
      ['max_bits_i64', 0],
    ],
  },
  {
    name: 'operands of 8 bits',
    options: withInt8(int8({ build: 'baseline' })),
    batch: batchOf as never,
    make: release,
    kernels: [...PACKS, ['gemm_i16i16i32', 4]],
  },
  {
    name: 'operands of 8 bits in the relaxed layout',
    options: withInt8(relaxedLayout()),
    batch: batchOf as never,
    make: (bytes) => withChecked(sizedBackend('checked', bytes)),
    kernels: [...PACKS, ...PRODUCTS],
  },
  {
    name: 'i-RevNet',
    options: {
      model: iRevNet({ size: 4, colours: 1, classes: 2, levels: 1, blocks: 1, width: 4 }),
      ...{ batch: 2, steps: 8, learningRate: 0.01 },
    } as never,
    batch: () => ({ images: pixels(32), labels: Int32Array.of(0, 1) }),
    make: release,
    kernels: [
      ['im2col_i16', 8],
      ['col2im_i32', 9],
    ],
  },
  {
    name: 'IDF',
    options: {
      model: idf({ width: 4, height: 4, levels: 1, flows: 1, channels: 4, components: 2 }),
      ...{ batch: 1, steps: 8, learningRate: 0.01 },
    } as never,
    batch: () => ({ images: pixels(48) }),
    make: release,
    kernels: [['im2col_i16', 8]],
  },
];

/** The same layout, by the instruction itself. */
const RELAXED: Judged[] = chooseInt8().hasRelaxed
  ? [
      {
        name: 'operands of 8 bits by the relaxed instruction',
        options: withInt8(int8({ build: 'relaxed' })),
        batch: batchOf as never,
        make: release,
        kernels: [...PACKS, ...PRODUCTS],
      },
    ]
  : [];

describe.each([...RUNS, ...RELAXED])('the kernels of a step, $name', (run) => {
  test('are all those of the reference on this machine', () => {
    expect(judge(run, run.make)).toBeUndefined();
  });

  const named = '%s with a fault is named, with operands that show it';
  test.each(run.kernels)(named, (kernel, argument) => {
    const backend = faulty(run.make, kernel, argument, () => true);
    const found = judge(run, backend);
    expect(found?.kernel).toBe(kernel);
    if (found === undefined) return;
    expect(judgeCase(referenceOn(2 ** 20), found)).toBe(found.expected);
    expect(judgeCase(run.make(2 ** 20), found)).toBe(found.expected);
    if (kernel === 'max_bits_i64') return;
    expect(judgeCase(backend(2 ** 20), found)).toBe(found.computed);
    expect(found.computed).not.toBe(found.expected);
  });
});
