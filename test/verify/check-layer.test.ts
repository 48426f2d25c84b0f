// checkLayer and checkRule pass what the library brings, and find seeded faults.

import { describe, expect, test } from 'vitest';
import {
  attention,
  bias,
  classToken,
  embedding,
  type Gradient,
  gelu,
  type Kind,
  type Layer,
  layerNorm,
  linear,
  meanPool,
  type Planned,
  positions,
  type Run,
  relu,
  row,
  sequential,
  type Tensor,
  type Type,
} from '../../src/index.ts';
import { checkLayer } from '../../src/verify/check-layer.ts';

const operand: Type = { kind: 'operand', rows: 5, columns: 12 };
const state: Type = { kind: 'state', rows: 5, columns: 12 };
const branch: Type = { kind: 'branch', rows: 5, columns: 12 };
const fine: Type = { kind: 'fine', rows: 5, columns: 12 };
const sums: Type = { kind: 'sums', rows: 5, columns: 12 };
const ids: Type = { kind: 'ids', rows: 5, columns: 1 };

const LAYERS: Record<string, [Layer, { input: Type; wanted?: Kind }]> = {
  linear: [linear(7), { input: operand }],
  'linear, operand': [linear(7), { input: operand, wanted: 'operand' }],
  'linear, fine': [linear(7), { input: operand, wanted: 'fine' }],
  'linear, sums': [linear(7), { input: operand, wanted: 'sums' }],
  'linear with bias': [linear(7, { bias: true }), { input: operand, wanted: 'operand' }],
  'layer norm': [layerNorm({ bias: true }), { input: state }],
  'layer norm of a branch': [layerNorm(), { input: branch }],
  'bias of sums': [bias(), { input: sums, wanted: 'sums' }],
  gelu: [gelu(), { input: fine }],
  relu: [relu(), { input: operand }],
  attention: [attention({ heads: 3 }), { input: operand }],
  'causal attention with biases': [
    attention({ heads: 2, causal: true, bias: true }),
    { input: operand },
  ],
  embedding: [embedding({ vocabulary: 3, channels: 8 }), { input: ids }],
  'class token': [classToken(), { input: branch }],
  positions: [positions(), { input: state }],
  row: [row(2), { input: state }],
  'mean pool': [meanPool(), { input: state }],
  sequential: [
    sequential(layerNorm(), linear(20, { name: 'up' }), gelu(), linear(12, { name: 'down' })),
    { input: state },
  ],
};

describe('checkLayer', () => {
  test.each(Object.keys(LAYERS))('%s passes', (name) => {
    const [layer, check] = LAYERS[name];
    const { cosines } = checkLayer(layer, check);
    for (const cosine of Object.values(cosines)) expect(cosine).toBeGreaterThanOrEqual(0.999);
  });
});

/** A layer of a test's own: y = x, with a backward pass that a fault can be sown into. */
class Copy implements Planned<undefined> {
  readonly needsInput = true;

  saved(): undefined {
    return undefined;
  }

  prepare(_: Run, x: Tensor, y: Tensor): void {
    y.fraction = x.fraction;
  }

  forward({ int16 }: Run, x: Tensor, _: undefined, y: Tensor): void {
    y.rows = x.rows;
    int16.copyWithin(y.at / 2, x.at / 2, x.at / 2 + x.size);
  }

  backward({ int32 }: Run, dy: Gradient, x: Tensor, _: undefined, dx: Gradient | undefined): void {
    if (dx === undefined) return;
    int32.copyWithin(dx.at / 4, dy.at / 4, dy.at / 4 + x.size);
    dx.exponent = dy.exponent;
  }
}

const layerOf = (plan: () => Planned): Layer => ({
  takes: ['operand'],
  output: (input) => input,
  plan,
});

const copy = { input: operand, wanted: 'operand' } as const;

/** Signs, whose gradient goes straight through where the input is within +-limit. */
const signs = (limit: number): Layer => {
  class Signs extends Copy {
    override prepare(_: Run, __: Tensor, y: Tensor): void {
      y.fraction = 0;
    }

    override forward({ int16 }: Run, x: Tensor, _: undefined, y: Tensor): void {
      y.rows = x.rows;
      for (let i = 0; i < x.size; i++) int16[y.at / 2 + i] = int16[x.at / 2 + i] < 0 ? -1 : 1;
    }

    override backward(run: Run, dy: Gradient, x: Tensor, _: undefined, dx: Gradient): void {
      super.backward(run, dy, x, _, dx);
      for (let i = 0; i < x.size; i++)
        if (Math.abs(run.int16[x.at / 2 + i]) > limit * 2 ** x.fraction)
          run.int32[dx.at / 4 + i] = 0;
    }
  }
  return layerOf(() => new Signs());
};

describe('checkLayer with a slope of its own', () => {
  const slope = (f: (x: number) => number): number => (f(1) - f(-1)) / 2;

  test('passes a straight-through gradient, and finds a wrong one', () => {
    expect(checkLayer(signs(1), { ...copy, slope }).cosines['the input']).toBeCloseTo(1, 9);
    expect(() => checkLayer(signs(1.5), { ...copy, slope })).toThrow(/^the gradient of the input/);
    expect(() => checkLayer(signs(1), copy)).toThrow(/^the gradient of the input/);
  });

  test('passes over elements of which it says nothing', () => {
    const some = (f: (x: number) => number): number | undefined =>
      f(1) === f(-1) ? undefined : slope(f);
    expect(() => checkLayer(signs(1.5), { ...copy, slope: some })).not.toThrow();
  });
});

describe('checkLayer finds', () => {
  test('nothing in a copy', () => {
    expect(
      checkLayer(
        layerOf(() => new Copy()),
        copy,
      ).cosines['the input'],
    ).toBeGreaterThan(0.9999);
  });

  test('a backward pass that forgets a term', () => {
    class Forgetful extends Copy {
      override backward(run: Run, dy: Gradient, x: Tensor, _: undefined, dx: Gradient): void {
        super.backward(run, dy, x, _, dx);
        run.int32[dx.at / 4 + 3] = 0;
      }
    }
    const check = (): unknown =>
      checkLayer(
        layerOf(() => new Forgetful()),
        copy,
      );
    expect(check).toThrow(
      /^the gradient of the input is not that of the forward pass: cosine 0\.99/,
    );
  });

  test('a gradient of a parameter that forgets a row', () => {
    const broken: Layer = {
      ...linear(7),
      plan(at, input, wanted) {
        const planned = linear(7).plan(at, input, wanted);
        const { backward } = planned;
        planned.backward = (run, dy, x, saved, dx) => {
          run.int32[dy.at / 4] = 0;
          backward.call(planned, run, dy, x, saved, dx);
        };
        return planned;
      },
    };
    expect(() => checkLayer(broken, { input: operand })).toThrow(
      /^the gradient of the input is not/,
    );
  });

  test('a layer that looks at another sample', () => {
    class Remembering extends Copy {
      private last = 0;

      override forward(run: Run, x: Tensor, _: undefined, y: Tensor): void {
        super.forward(run, x, _, y);
        const { last } = this;
        this.last = run.int16[x.at / 2];
        run.int16[y.at / 2 + 1] += last & 1;
      }
    }
    const check = (): unknown =>
      checkLayer(
        layerOf(() => new Remembering()),
        copy,
      );
    expect(check).toThrow(/depends on another sample/);
  });

  test('a parameter that is planned twice', () => {
    const twice = sequential(linear(12, { name: 'same' }), relu(), linear(5, { name: 'same' }));
    expect(() => checkLayer(twice, { input: operand })).toThrow(
      'parameter same.weight is planned twice. HINT: name one of the two layers',
    );
  });

  test('layers that do not fit together, naming both', () => {
    expect(() => checkLayer(sequential(gelu(), linear(3)), { input: state })).toThrow(
      'gelu is given state 5 x 12, expected fine',
    );
  });
});
