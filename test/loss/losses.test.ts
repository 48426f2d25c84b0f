// Losses on a linear model of a table's rows: value, gradient and count against float64, rows that
// are left out, and what is refused.

import { describe, expect, test } from 'vitest';
import {
  crossEntropy,
  defineModel,
  features,
  linear,
  meanSquaredError,
  Trainer,
  UsageError,
} from '../../src/index.ts';
import { Source } from '../helpers/data.ts';
import { cosineOf } from '../helpers/float64.ts';

const COUNT = 4;
const OUT = 3;
const BATCH = 5;

interface Table {
  values: number[];
  targets: number[];
}
interface Classes {
  values: number[];
  targets: Int32Array;
}

const regression = defineModel('regression', () => ({
  input: features<Table>({ count: COUNT }),
  layers: [linear(OUT, { bias: true, deviation: 0.5 })],
  loss: meanSquaredError<Table>(),
}));
const classifier = defineModel('classifier', (ignores: boolean) => ({
  input: features<Classes>({ count: COUNT }),
  layers: [linear(OUT, { bias: true, deviation: 0.5 })],
  loss: crossEntropy<Classes>({ ignores, counts: true }),
}));

const source = new Source(5);
const number = (): number => source.between(-2000, 2000) / 1000;
const values = Array.from({ length: BATCH * COUNT }, number);
const targets = Array.from({ length: BATCH * OUT }, number);

type Weights = Pick<Trainer, 'tensors'>;
const tensorOf = (trainer: Weights, name: string): Float64Array => {
  const { data } = trainer.tensors().find((tensor) => tensor.name === name) ?? {};
  return Float64Array.from(data ?? [], (v) => v / 2 ** 24);
};

/** Outputs [BATCH, OUT] in float64. */
function outputs(trainer: Weights): Float64Array {
  const weight = tensorOf(trainer, 'linear.weight');
  const bias = tensorOf(trainer, 'linear.bias');
  return Float64Array.from({ length: BATCH * OUT }, (_, i) => {
    const s = Math.floor(i / OUT);
    const o = i % OUT;
    let sum = bias[o];
    for (let c = 0; c < COUNT; c++) sum += values[s * COUNT + c] * weight[o * COUNT + c];
    return sum;
  });
}

/** Gradients of weight and bias for dy [BATCH, OUT]. */
function gradientsOf(dy: Float64Array): { weight: Float64Array; bias: Float64Array } {
  const weight = new Float64Array(OUT * COUNT);
  const bias = new Float64Array(OUT);
  dy.forEach((g, i) => {
    const s = Math.floor(i / OUT);
    const o = i % OUT;
    bias[o] += g;
    for (let c = 0; c < COUNT; c++) weight[o * COUNT + c] += g * values[s * COUNT + c];
  });
  return { weight, bias };
}

function expectGradients(trainer: Pick<Trainer, 'gradient'>, dy: Float64Array): void {
  const { weight, bias } = gradientsOf(dy);
  const real = (path: string): Float64Array =>
    Float64Array.from(trainer.gradient(path), (v) => Number(v) / 2 ** 28);
  expect(cosineOf(real('linear.weight'), weight)).toBeGreaterThan(0.9999);
  expect(cosineOf(real('linear.bias'), bias)).toBeGreaterThan(0.9999);
  const length = (a: Float64Array): number => Math.hypot(...a);
  expect(length(real('linear.bias')) / length(bias)).toBeCloseTo(1, 2);
}

const create = <Batch>(model: Parameters<typeof Trainer.create<Batch>>[0]['model']) =>
  Trainer.create<Batch>({ model, batch: BATCH, steps: 10 });

describe('mean squared error', () => {
  const batch: Table = { values, targets };

  test('value, gradient and count are those of float64', () => {
    const trainer = create(regression(undefined));
    const loss = trainer.computeGradients(batch);
    const difference = outputs(trainer).map((y, i) => y - targets[i]);
    const expected = difference.reduce((sum, d) => sum + d * d, 0) / difference.length;
    expect(Math.abs(loss - expected)).toBeLessThan(0.01 * expected);
    expectGradients(
      trainer,
      difference.map((d) => 2 * d),
    );
    const evaluation = trainer.evaluate(batch);
    expect(evaluation).toEqual({ loss, predictions: BATCH * OUT, accuracy: 0 });
  });

  test('the output of a sample is what its loss is of', () => {
    const trainer = create(regression(undefined));
    const y = outputs(trainer);
    for (let s = 0; s < BATCH; s++) {
      const own = trainer.predict(values.slice(s * COUNT, s * COUNT + COUNT));
      expect(own).toHaveLength(OUT);
      own.forEach((value, o) => {
        expect(Math.abs(value - y[s * OUT + o])).toBeLessThan(0.01);
      });
    }
  });

  test('targets that are no numbers within +-1024, or too few, are refused', () => {
    const trainer = create(regression(undefined));
    const wrong = (value: unknown): Table => ({
      values,
      targets: targets.map((t, i) => (i === 2 ? (value as number) : t)),
    });
    for (const value of [1025, -1025, Number.NaN, '1', null])
      expect(() => trainer.step(wrong(value))).toThrow(
        /^targets\[2\] is .*, expected a number from -1024/,
      );
    expect(() => trainer.step({ values, targets: targets.slice(1) })).toThrow(UsageError);
    expect(() => trainer.step({ values: values.slice(1), targets })).toThrow(UsageError);
    expect(trainer.steps).toBe(0);
  });
});

describe('cross entropy', () => {
  const labels = Int32Array.of(0, 2, 1, 1, 0);

  /** Loss summed over the rows that count, their number, and dL/dlogits. */
  function expectedOf(logits: Float64Array, known: Int32Array): [number, number, Float64Array] {
    const dy = new Float64Array(logits.length);
    let loss = 0;
    let rows = 0;
    known.forEach((label, s) => {
      if (label < 0) return;
      const row = logits.subarray(s * OUT, s * OUT + OUT);
      const sum = row.reduce((a, v) => a + Math.exp(v), 0);
      loss += Math.log(sum) - row[label];
      rows++;
      for (let c = 0; c < OUT; c++)
        dy[s * OUT + c] = Math.exp(row[c]) / sum - (c === label ? 1 : 0);
    });
    return [loss, rows, dy];
  }

  test.each([
    ['all rows', false, labels],
    ['all rows, though some may be left out', true, labels],
    ['rows 1 and 4 left out', true, Int32Array.of(0, -1, 1, 1, -1)],
  ])('%s: value, gradient and count are those of float64', (_, ignores, known) => {
    const trainer = create(classifier(ignores));
    const logits = outputs(trainer);
    const [sum, rows, dy] = expectedOf(logits, known);
    expect(
      Math.abs(trainer.computeGradients({ values, targets: known }) - sum / rows),
    ).toBeLessThan(0.005);
    expectGradients(trainer, dy);
    const { loss, predictions, accuracy } = trainer.evaluate({ values, targets: known });
    expect(Math.abs(loss - sum / rows)).toBeLessThan(0.005);
    expect(predictions).toBe(rows);
    const isRight = (label: number, s: number): boolean => {
      const row = logits.subarray(s * OUT, s * OUT + OUT);
      return row.indexOf(Math.max(...row)) === label;
    };
    expect(accuracy).toBe(known.filter(isRight).length / rows);
  });

  test('what is left out decides nothing', () => {
    const one = create(classifier(true));
    const other = create(classifier(true));
    const changed = values.map((v, i) => (Math.floor(i / COUNT) === 1 ? -v : v));
    const known = Int32Array.of(0, -1, 1, 1, 0);
    expect(one.step({ values, targets: known })).toEqual(
      other.step({ values: changed, targets: known }),
    );
    expect(one.tensors()[0].data).toEqual(other.tensors()[0].data);
  });

  test('a batch of nothing but rows that are left out has loss and gradient 0', () => {
    const trainer = create(classifier(true));
    const batch: Classes = { values, targets: new Int32Array(BATCH).fill(-1) };
    expect(trainer.computeGradients(batch)).toBe(0);
    expect(trainer.gradient('linear.weight').every((v) => v === 0n)).toBe(true);
    expect(trainer.step(batch)).toMatchObject({ loss: 0, gradientNorm: 0, correct: 0 });
  });

  test('targets that are no classes are refused', () => {
    const all = create(classifier(false));
    const some = create(classifier(true));
    const withLabel = (wrong: number): Int32Array => labels.map((t, i) => (i === 3 ? wrong : t));
    const message = /^targets\[3\] is .*, expected a whole number from (0|-1) to 2$/;
    expect(() => all.step({ values, targets: withLabel(-1) })).toThrow(message);
    expect(() => some.step({ values, targets: withLabel(-2) })).toThrow(message);
    expect(() => some.step({ values, targets: withLabel(3) })).toThrow(message);
  });
});
