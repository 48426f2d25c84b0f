// Windows of images as rows, and back: im2col_i16, col2im_i32.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { coverShift, type Windows, windowsAlong } from '../../src/kernels/image.ts';
import { Equality, input, output, run } from '../helpers/calls.ts';
import { int16s, int32s } from '../helpers/data.ts';
import { imageBackends } from '../helpers/image.ts';
import { SEED } from '../helpers/suite.ts';

const countOf = (shape: Windows): number =>
  windowsAlong(shape.height, shape) * windowsAlong(shape.width, shape);
const sizesOf = (shape: Windows) => {
  const { height, width, channels, kernel, stride, padding, groups } = shape;
  return [height, width, channels, kernel, stride, padding, groups] as const;
};
/** Elements of the windows, and of the image. */
const elements = (shape: Windows): number => countOf(shape) * shape.kernel ** 2 * shape.channels;
const pixels = ({ height, width, channels }: Windows): number => height * width * channels;

/** Sides, kernels, strides, paddings and channels around the edges of vectors, groups too. */
function shapes(): Windows[] {
  const all: Windows[] = [];
  const sides = [
    [1, 1],
    [1, 5],
    [2, 3],
    [5, 4],
    [8, 7],
  ];
  for (const [height, width] of sides)
    for (const kernel of [1, 2, 3, 5])
      for (const stride of [1, 2, 3])
        for (const padding of [0, 1, kernel - 1])
          for (const [channels, groups] of [
            [1, 1],
            [3, 1],
            [4, 1],
            [8, 2],
            [9, 1],
            [6, 6],
            [10, 2],
          ]) {
            const shape = { height, width, channels, kernel, stride, padding, groups };
            const isInside = Math.min(height, width) + 2 * padding >= kernel && padding < kernel;
            if (isInside) all.push(shape);
          }
  return all;
}

/** The element of the image that a place of a window is, or -1, from the page of the contract. */
function fromOf(shape: Windows, at: number): number {
  const { kernel, stride, padding, groups, channels, width, height } = shape;
  const part = channels / groups;
  const across = windowsAlong(width, shape);
  const row = Math.floor(at / (kernel * kernel * channels));
  const place = at % (kernel * kernel * channels);
  const group = Math.floor(place / (kernel * kernel * part));
  const inGroup = place % (kernel * kernel * part);
  const y = Math.floor(row / across) * stride - padding + Math.floor(inGroup / (kernel * part));
  const x = (row % across) * stride - padding + (Math.floor(inGroup / part) % kernel);
  if (y < 0 || y >= height || x < 0 || x >= width) return -1;
  return (y * width + x) * channels + group * part + (inGroup % part);
}

const equality = new Equality(imageBackends());

describe('windows of images', () => {
  const cases = shapes();

  it(`im2col_i16 copies what the contract says, of ${cases.length} shapes on 3 back ends`, () => {
    expect(cases.length).toBeGreaterThan(500);
    cases.forEach((shape, i) => {
      const x = input(int16s(i, pixels(shape), 'random', 32767, -32768));
      const out = output(new Int16Array(elements(shape)));
      const found = equality.check({ kernel: 'im2col_i16', args: [x, ...sizesOf(shape), out] });
      const expected = found.of(out).map((_, at) => {
        const from = fromOf(shape, at);
        return from < 0 ? 0 : x.data[from];
      });
      expect(found.of(out), JSON.stringify(shape)).toEqual(expected);
    });
  });

  it(`col2im_i32 sums what im2col_i16 has copied, of ${cases.length} shapes`, () => {
    cases.forEach((shape, i) => {
      const shift = coverShift(shape) + (i % 3);
      const cols = input(int32s(i, elements(shape), 'random', 2 ** 31 - 1, -(2 ** 31)));
      const out = output(new Int32Array(pixels(shape)));
      const args = [cols, ...sizesOf(shape), shift, out] as const;
      const found = equality.check({ kernel: 'col2im_i32', args: [...args] });
      const sums = new Array<bigint>(out.data.length).fill(0n);
      cols.data.forEach((value, at) => {
        const from = fromOf(shape, at);
        if (from >= 0) sums[from] += BigInt(value);
      });
      const half = shift > 0 ? 1n << BigInt(shift - 1) : 0n;
      const expected = sums.map((sum) => Number((sum + half) >> BigInt(shift)));
      expect(Array.from(found.of(out)), JSON.stringify(shape)).toEqual(expected);
    });
  });

  it(`the two are adjoint: <im2col x, w> = <x, col2im w> (100 random shapes, seed ${SEED})`, () => {
    const side = fc.integer({ min: 1, max: 9 });
    const sizes = fc.tuple(side, side, side, side, side, side, fc.constantFrom(1, 2, 3));
    const property = fc.property(sizes, ([height, width, part, kernel, stride, pad, groups]) => {
      const padding = pad % kernel;
      const shape = { height, width, channels: part * groups, kernel, stride, padding, groups };
      fc.pre(Math.min(height, width) + 2 * padding >= kernel);
      const x = input(int16s(height, pixels(shape), 'random', 500));
      const w = input(int32s(width, elements(shape), 'random', 500));
      const rows = output(new Int16Array(elements(shape)));
      const shift = coverShift(shape);
      const scaled = input(w.data.map((value) => value * 2 ** shift));
      const image = output(new Int32Array(pixels(shape)));
      const there = equality.check({ kernel: 'im2col_i16', args: [x, ...sizesOf(shape), rows] });
      const args = [scaled, ...sizesOf(shape), shift, image] as const;
      const back = equality.check({ kernel: 'col2im_i32', args: [...args] });
      const left = there.of(rows).reduce((sum, value, i) => sum + value * w.data[i], 0);
      const right = back.of(image).reduce((sum, value, i) => sum + value * x.data[i], 0);
      expect(left).toBe(right);
    });
    fc.assert(property, { numRuns: 100, seed: SEED });
  });
});

describe('bounds', () => {
  const shape = { height: 5, width: 5, channels: 5, kernel: 3, stride: 1, padding: 1, groups: 1 };
  const call = (value: number, shift: number) => {
    const cols = input(new Int32Array(elements(shape)).fill(value));
    const out = output(new Int32Array(pixels(shape)));
    return { kernel: 'col2im_i32', args: [cols, ...sizesOf(shape), shift, out] } as const;
  };
  const checked = imageBackends()[2];

  it('a sum of nine times the largest int32 is exact, and of the smallest', () => {
    for (const value of [2 ** 31 - 1, -(2 ** 31)]) {
      const { args, kernel } = call(value, coverShift(shape));
      const found = equality.check({ kernel, args: [...args] });
      const inner = found.of(args[9])[(2 * 5 + 2) * 5];
      expect(inner).toBe(Math.floor((9 * value + 8) / 16));
    }
  });

  it('one bit less is refused, and so is a padding that hides a window', () => {
    const { args, kernel } = call(1, coverShift(shape) - 1);
    expect(() => run(checked, { kernel, args: [...args] }, 0)).toThrow(WebAssembly.RuntimeError);
    const x = input(new Int16Array(25));
    const out = output(new Int16Array(4000));
    const wide = { kernel: 'im2col_i16', args: [x, 5, 5, 1, 3, 1, 3, 1, out] } as const;
    expect(() => run(checked, { ...wide, args: [...wide.args] }, 0)).toThrow(
      WebAssembly.RuntimeError,
    );
  });

  it.each([
    [{ kernel: 1, stride: 1 }, 0],
    [{ kernel: 3, stride: 1 }, 4],
    [{ kernel: 3, stride: 2 }, 2],
    [{ kernel: 4, stride: 4 }, 0],
    [{ kernel: 31, stride: 1 }, 10],
  ])('windows %j overlap so that sums are shifted by %i', (windows, shift) => {
    expect(coverShift(windows)).toBe(shift);
  });
});
