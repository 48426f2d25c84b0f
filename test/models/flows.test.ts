// The integer discrete flow and the i-RevNet: they learn, whatever the threads' and micro-batches'
// number and whether activations are kept or rebuilt; images come back, every byte, at the
// beginning and after training; and a coder's frequencies say the loss.

import { describe, expect, test } from 'vitest';
import {
  Arena,
  createWasmBackend,
  type FlowLayer,
  FlowRunner,
  idf,
  idfFlows,
  iRevNet,
  iRevNetFlows,
  Planner,
  PriorElement,
  pixelValues,
  plan,
  Run,
  Tensor,
  Trainer,
} from '../../src/index.ts';
import { runsAll } from '../helpers/all.ts';
import { Source } from '../helpers/data.ts';

const IDF = { width: 8, height: 8, levels: 2, flows: 2, channels: 6, components: 3 };
const REVNET = { size: 8, colours: 1, classes: 2, levels: 2, blocks: 2, width: 8 };

/** Smooth images of 8 x 8 pixels with noise. */
function images(source: Source, count: number, colours: number): Uint8Array {
  const all = new Uint8Array(count * 64 * colours);
  for (let s = 0; s < count; s++) {
    const [base, dx, dy] = [source.between(40, 160), source.between(-6, 6), source.between(-6, 6)];
    for (let i = 0; i < 64; i++)
      for (let c = 0; c < colours; c++) {
        const value = base + dx * (i % 8) + dy * (i >> 3) + 5 * c + source.between(0, 3);
        all[(s * 64 + i) * colours + c] = Math.min(255, Math.max(0, value));
      }
  }
  return all;
}

/** How many numbers of `count` images are different when they have been there and back. */
function different(
  layer: FlowLayer,
  trainer: Trainer<never>,
  numbers: (i: number) => number,
  count: number,
): number {
  const runner = new FlowRunner(layer, trainer.tensors());
  const n = layer.shape.height * layer.shape.width * layer.shape.channels;
  let wrong = 0;
  for (let s = 0; s < count; s++) {
    const given = Int32Array.from({ length: n }, (_, i) => numbers(s * n + i));
    const back = runner.inverse(runner.forward(given).slice(0, n));
    wrong += given.reduce((sum, v, i) => sum + Number(back[i] !== v), 0);
  }
  return wrong;
}

describe('idf', () => {
  const options = { batch: 8, steps: 40, learningRate: 0.01 };

  test('it learns, images come back, and frequencies are its loss', () => {
    const model = idf(IDF);
    const trainer = Trainer.create({ model, ...options });
    const source = new Source(1, 1);
    const held = { images: images(new Source(2, 2), 16, 3) };
    const before = trainer.evaluate(held).loss;
    const layer = idfFlows(IDF);
    const byte = (i: number): number => held.images[i] - 128;
    expect(different(layer, trainer as never, byte, 16)).toBe(0);
    while (trainer.steps < 40) trainer.step({ images: images(source, 8, 3) });
    const after = trainer.evaluate(held).loss;
    expect(after).toBeLessThan(before - 0.5);
    expect(different(layer, trainer as never, byte, 16)).toBe(0);
    const any = new Source(4, 4);
    const whole = (): number => any.between(-(2 ** 31), 2 ** 31 - 1);
    expect(different(layer, trainer as never, whole, 16)).toBe(0);
    // of the frequencies, as a coder has them; and decoded with nothing but what they say
    const runner = new FlowRunner(layer, trainer.tensors());
    const n = 64 * 3;
    let bits = 0;
    for (let s = 0; s < 16; s++) {
      const given = Int32Array.from({ length: n }, (_, i) => byte(s * n + i));
      const coded = runner.forward(given);
      const decoded = runner.inverse(new Int32Array(n), (prior, numbers, elements) => {
        const element = new PriorElement(prior, layer.shape.fraction);
        elements.forEach((_, i) => {
          element.move(numbers, 0, i);
          const raw = coded[prior.first + i];
          bits += 24 - Math.log2(element.frequency(raw));
          elements[i] = element.rawOf(element.binOf(raw));
        });
      });
      expect(Array.from(decoded)).toEqual(Array.from(given));
    }
    expect(bits / (16 * n)).toBeCloseTo(after, 3);
  });

  test('micro-batches and kept activations decide no bit', async () => {
    const digestOf = async (more: object, keeps: 'nothing' | 'activations'): Promise<string> => {
      const trainer = Trainer.create({ model: idf({ ...IDF, keeps }), ...options, ...more });
      const source = new Source(3, 3);
      for (let step = 0; step < 3; step++) trainer.step({ images: images(source, 8, 3) });
      return trainer.weightsSha256();
    };
    const one = await digestOf({}, 'nothing');
    expect(await digestOf({ microBatch: 2 }, 'nothing')).toBe(one);
    expect(await digestOf({}, 'activations')).toBe(one);
  });
});

describe('iRevNet', () => {
  const batchOf = (source: Source, count: number) => {
    const labels = Int32Array.from({ length: count }, () => source.between(0, 1));
    const all = images(source, count, 1);
    labels.forEach((label, s) => {
      const line = source.between(0, 7);
      for (let i = 0; i < 8; i++)
        all[s * 64 + (label === 0 ? line * 8 + i : i * 8 + line)] = 255 - source.between(0, 9);
    });
    return { images: all, labels };
  };

  test('it tells bars from columns, and images come back', () => {
    const options = { batch: 16, steps: 120, learningRate: 0.01 };
    const trainer = Trainer.create({ model: iRevNet(REVNET), ...options });
    const source = new Source(5, 5);
    const held = batchOf(new Source(6, 6), 64);
    const layer = iRevNetFlows(REVNET);
    // the first of four channels is the grey, the others are 0
    const number = (i: number): number => (i % 4 === 0 ? (held.images[i / 4] - 128) * 16 : 0);
    expect(different(layer, trainer as never, number, 64)).toBe(0);
    while (trainer.steps < 120) trainer.step(batchOf(source, 16));
    expect(trainer.evaluate(held).accuracy).toBeGreaterThanOrEqual(0.95);
    expect(different(layer, trainer as never, number, 64)).toBe(0);
  });

  test('kept activations give the same bits', async () => {
    const digestOf = async (keeps: 'nothing' | 'activations'): Promise<string> => {
      const model = iRevNet({ ...REVNET, keeps });
      const trainer = Trainer.create({ model, batch: 4, steps: 9, learningRate: 0.01 });
      const source = new Source(7, 7);
      for (let step = 0; step < 3; step++) trainer.step(batchOf(source, 4));
      return trainer.weightsSha256();
    };
    expect(await digestOf('activations')).toBe(await digestOf('nothing'));
  });
});

describe('memory', () => {
  /** Bytes by which 54 more couplings grow a model of images of so many pixels a side. */
  const idfGrowth = (size: number, keeps: 'nothing' | 'activations'): number => {
    const total = (flows: number): number => {
      const image = { width: size, height: size, levels: 1, channels: 4, keeps };
      return plan({ model: idf({ ...image, flows }), batch: 4, steps: 1 }).total;
    };
    return total(60) - total(6);
  };
  const revnetGrowth = (size: number, keeps: 'nothing' | 'activations'): number => {
    const total = (blocks: number): number => {
      const model = iRevNet({ ...REVNET, size, levels: 1, blocks, keeps });
      return plan({ model, batch: 4, steps: 1 }).total;
    };
    return total(60) - total(6);
  };

  // activations grow with the image, weights and their copies do not
  test.each([
    ['idf', idfGrowth],
    ['iRevNet', revnetGrowth],
  ])('%s: from 6 to 60 couplings it grows by the weights alone', (_, growth) => {
    expect(growth(32, 'nothing')).toBe(growth(16, 'nothing'));
    expect(growth(32, 'activations')).toBeGreaterThan(growth(16, 'activations'));
    expect(growth(16, 'activations')).toBeGreaterThan(growth(16, 'nothing'));
  });
});

test('pixelValues: byte p is p - 128, with fraction bits and channels of zeros', () => {
  const at = Planner.create(new Arena(64), { rank: 0, threads: 1, sequences: 2, fraction: 9 });
  const options = { width: 2, height: 1, colours: 1, channels: 3, fraction: 9 };
  const input = pixelValues(options).plan(at);
  const run = new Run(createWasmBackend({ pages: 1 }));
  input.take({ images: Uint8Array.of(0, 255, 128, 129) }, 2);
  input.load(run, 0, 2);
  const x = new Tensor(input.type);
  input.move(run, 1, x);
  expect(Array.from(run.view(x.at, 6))).toEqual([0, 0, 0, 4, 0, 0]);
  input.move(run, 0, x);
  expect(Array.from(run.view(x.at, 6))).toEqual([-512, 0, 0, 508, 0, 0]);
  expect(input.samplesOf({ images: new Uint8Array(6) })).toBe(3);
});

test.runIf(runsAll)('0 different in 20,000 random images', () => {
  const trainer = Trainer.create({ model: idf(IDF), batch: 4, steps: 9 });
  const source = new Source(8, 8);
  const byte = (): number => source.between(-128, 127);
  expect(different(idfFlows(IDF), trainer as never, byte, 20_000)).toBe(0);
});
