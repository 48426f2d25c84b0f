// Faults that users sow into layers of their own: what they do to a run, and that checkLayer finds
// them and names them.

import { describe, expect, test } from 'vitest';
import {
  crossEntropy,
  defineModel,
  embedding,
  type Gradient,
  type Layer,
  layerNorm,
  linear,
  type Planned,
  type Planner,
  plain,
  type Run,
  reversible,
  sublayer,
  type Tensor,
  type TextBatch,
  Trainer,
  type Type,
  tokens,
} from '../../src/index.ts';
import { checkLayer } from '../../src/verify/check-layer.ts';

const input: Type = { kind: 'operand', rows: 5, columns: 12 };
const check = (layer: Layer): unknown => checkLayer(layer, { input, wanted: 'operand' });

/** y = x. */
class Copy implements Planned {
  readonly needsInput = true;

  saved(): unknown {
    return undefined;
  }

  prepare(_: Run, x: Tensor, y: Tensor): void {
    y.fraction = x.fraction;
    Object.assign(y.range, x.range);
  }

  forward({ int16 }: Run, x: Tensor, _: unknown, y: Tensor): void {
    y.rows = x.rows;
    int16.copyWithin(y.at / 2, x.at / 2, x.at / 2 + x.size);
  }

  backward({ int32 }: Run, dy: Gradient, x: Tensor, _: unknown, dx: Gradient | undefined): void {
    if (dx === undefined) return;
    int32.copyWithin(dx.at / 4, dy.at / 4, dy.at / 4 + x.size);
    dx.exponent = dy.exponent;
  }
}

const layerOf = (plan: (at: Planner) => Planned): Layer => ({
  takes: ['operand'],
  output: (type) => type,
  plan,
});

/** Divides by the largest value of all samples so far: a statistic over a batch. */
class BatchStatistic extends Copy {
  private largest = 1;

  override forward(run: Run, x: Tensor, saved: unknown, y: Tensor): void {
    super.forward(run, x, saved, y);
    const values = run.int16.subarray(y.at / 2, y.at / 2 + x.size);
    for (const value of values) this.largest = Math.max(this.largest, Math.abs(value));
    for (let i = 0; i < values.length; i++)
      values[i] = Math.floor((values[i] * 512) / this.largest);
  }
}

/** Keeps what backward needs in one place for all samples: the sign of the first element. */
class Shared extends Copy {
  private sign = 1;

  override forward(run: Run, x: Tensor, saved: unknown, y: Tensor): void {
    super.forward(run, x, saved, y);
    const at = y.at / 2;
    this.sign = run.int16[at] < 0 ? -1 : 1;
    for (let i = 0; i < x.size; i++) run.int16[at + i] *= this.sign;
  }

  override backward(run: Run, dy: Gradient, x: Tensor, _: unknown, dx: Gradient): void {
    super.backward(run, dy, x, _, dx);
    for (let i = 0; i < x.size; i++) run.int32[dx.at / 4 + i] *= this.sign;
  }
}

/** Its outputs depend on the thread that computes them. */
class Ranked extends Copy {
  constructor(private readonly rank: number) {
    super();
  }

  override forward(run: Run, x: Tensor, saved: unknown, y: Tensor): void {
    super.forward(run, x, saved, y);
    run.int16[y.at / 2] += this.rank;
  }
}

/** y = gain x for each column, of which the gradient of the gains may be forgotten. */
const gains = (forgets: boolean): Layer =>
  layerOf((at) => {
    const spec = { name: 'gain', shape: [input.columns], init: { value: 1 }, decays: false };
    const [gain] = at.parameter(spec);
    const copy = new Copy();
    const scale = (run: Run, i: number): number => run.int32[gain.master / 4 + (i % gain.size)];
    return Object.assign(copy, {
      forward(run: Run, x: Tensor, _: unknown, y: Tensor) {
        y.rows = x.rows;
        for (let i = 0; i < x.size; i++)
          run.int16[y.at / 2 + i] = Math.round((run.int16[x.at / 2 + i] * scale(run, i)) / 2 ** 24);
      },
      backward(run: Run, dy: Gradient, x: Tensor, _: unknown, dx: Gradient | undefined) {
        const { int16, int32, int64 } = run;
        const unit = 2 ** (dy.exponent - x.fraction + 28);
        for (let i = 0; i < x.size && !forgets; i++) {
          const add = Math.round(int32[dy.at / 4 + i] * int16[x.at / 2 + i] * unit);
          int64[gain.gradient / 8 + (i % gain.size)] += BigInt(add);
        }
        if (dx === undefined) return;
        for (let i = 0; i < x.size; i++)
          int32[dx.at / 4 + i] = Math.round((int32[dy.at / 4 + i] * scale(run, i)) / 2 ** 24);
        dx.exponent = dy.exponent;
      },
    });
  });

describe('checkLayer finds', () => {
  test('nothing in a copy, nor in gains', () => {
    expect(() => check(layerOf(() => new Copy()))).not.toThrow();
    expect(() => check(gains(false))).not.toThrow();
  });

  test('a statistic over the samples of a batch', () => {
    expect(() => check(layerOf(() => new BatchStatistic()))).toThrow(
      /depends on another sample|is not that of the forward pass/,
    );
  });

  test('what backward needs of one sample in the place of all', () => {
    expect(() => check(layerOf(() => new Shared()))).toThrow(
      'what is computed for a sample depends on another sample. HINT: keep what backward ' +
        'needs in ' +
        '`saved`, and look at no other place',
    );
  });

  test('a layer that another thread computes otherwise', () => {
    expect(() => check(layerOf((at) => new Ranked(at.layout.rank)))).toThrow(
      /^another thread computes something else/,
    );
  });

  test('a parameter whose gradient is forgotten, by its name', () => {
    expect(() => check(gains(true))).toThrow(/^the gradient of gain is not that of the forward/);
  });
});

/** The digest of a few steps with a layer in a block whose activations are kept. */
async function digestOf(layer: Layer, microBatch: number): Promise<string> {
  const define = defineModel('faulty', ({ channels }: { channels: number }) => ({
    input: tokens<TextBatch>({ vocabulary: 8, context: 5 }),
    layers: [
      embedding({ vocabulary: 8, channels }),
      reversible({
        depth: 2,
        rule: plain(),
        block: [sublayer(layerNorm(), layer, linear(channels, { name: 'out' }))],
      }),
      layerNorm(),
      linear(8, { shares: 'token.weight' }),
    ],
    loss: crossEntropy<TextBatch>(),
  }));
  const model = define({ channels: input.columns });
  const trainer = Trainer.create({ model, batch: 8, steps: 100, microBatch, keep: 'activations' });
  const inputs = Int32Array.from({ length: 40 }, (_, i) => (i * i) % 7);
  for (let step = 0; step < 4; step++) trainer.step({ inputs, targets: inputs });
  return trainer.weightsSha256();
}

describe('in a run', () => {
  test('a sound layer gives the same bits for every micro-batch', async () => {
    const digests = await Promise.all([1, 2, 8].map((n) => digestOf(gains(false), n)));
    expect(new Set(digests).size).toBe(1);
  });

  test('what is kept for all samples does not', async () => {
    const digests = await Promise.all(
      [1, 8].map((n) =>
        digestOf(
          layerOf(() => new Shared()),
          n,
        ),
      ),
    );
    expect(new Set(digests).size).toBe(2);
  });
});
