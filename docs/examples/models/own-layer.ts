// A GPT with an activation of one's own in its MLP: squared ReLU (So et al. 2021), y = max(0, x)^2,
// forward and backward written by hand.

import {
  type Gradient,
  type Layer,
  type Planned,
  type Run,
  type Tensor,
  type TextBatch,
  attention,
  bdia,
  crossEntropy,
  defineModel,
  embedding,
  layerNorm,
  linear,
  reversible,
  sublayer,
  tokens,
} from 'retrograd';

/** x and y have the same fraction bits f: raw y = raw x^2 / 2^f, rounded down, at most 4095. */
class SquaredRelu implements Planned<undefined> {
  readonly needsInput = true;

  saved(): undefined {
    return undefined;
  }

  prepare(_: Run, x: Tensor, y: Tensor): void {
    y.fraction = x.fraction;
    y.range.deviation = x.range.deviation;
    y.range.offset = x.range.offset;
  }

  forward({ int16, counts }: Run, x: Tensor, _: undefined, y: Tensor): void {
    y.rows = x.rows;
    for (let i = 0; i < x.size; i++) {
      const square = (Math.max(0, int16[x.at / 2 + i]) ** 2) >> x.fraction;
      if (square > 4095) counts.saturated++;
      int16[y.at / 2 + i] = Math.min(4095, square);
    }
  }

  /** dx = 2 x dy: the product of 32 and 13 bits is cut by 13, which the exponent makes good. */
  backward(run: Run, dy: Gradient, x: Tensor, _: undefined, dx: Gradient | undefined): void {
    if (dx === undefined) return;
    const { int16, int32 } = run;
    for (let i = 0; i < x.size; i++) {
      const slope = Math.max(0, int16[x.at / 2 + i]);
      int32[dx.at / 4 + i] = Math.floor((int32[dy.at / 4 + i] * slope) / 2 ** 13);
    }
    dx.exponent = dy.exponent + 13 + 1 - x.fraction;
  }
}

export const squaredRelu = (): Layer => ({
  takes: ['operand'],
  output: (input) => input,
  plan: () => new SquaredRelu(),
});

export const model = defineModel(
  'squared ReLU',
  ({ vocabulary, context }: { vocabulary: number; context: number }) => ({
    input: tokens<TextBatch>({ vocabulary, context }),
    layers: [
      embedding({ vocabulary, channels: 32 }),
      reversible({
        depth: 2,
        rule: bdia(),
        block: [
          sublayer(layerNorm({ name: 'norm1' }), attention({ heads: 4, causal: true })),
          sublayer(
            layerNorm({ name: 'norm2' }),
            linear(128, { name: 'up' }),
            squaredRelu(),
            linear(32, { name: 'down' }),
          ),
        ],
      }),
      layerNorm(),
      linear(vocabulary, { shares: 'token.weight' }),
    ],
    loss: crossEntropy<TextBatch>(),
  }),
);
