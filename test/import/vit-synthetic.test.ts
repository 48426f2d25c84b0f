// A vision transformer with the outliers of trained ones: imported, it computes what float64 makes
// of its directory, and not one value leaves its range.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { importVit } from '../../src/import/import-vit.ts';
import { openSafetensors } from '../../src/import/safetensors.ts';
import { Trainer } from '../../src/index.ts';
import { runsAll } from '../helpers/all.ts';
import { safetensorsFile, sourceOf } from '../helpers/foreign-files.ts';
import { NONE, type Outliers, PLANTED } from '../helpers/synthetic-gpt2.ts';
import { syntheticImages, syntheticVit, writeVit } from '../helpers/synthetic-vit.ts';
import { Vit } from '../helpers/vit-float64.ts';

const IMAGE = { height: 16, width: 24, patch: 8, colours: 3 };
const SIZE = { ...IMAGE, channels: 128, layers: 3, heads: 4, classes: 10 };
/** Largest difference of a logit, as a part of the distance of the largest from the least; an
 *  argmax is clear whose logit is as far above the next. */
const BOUND = 0.01;
const folder = mkdtempSync(join(tmpdir(), 'retrograd-vit-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The directory of a synthetic model, imported as what it says. */
async function imported(planted: Outliers) {
  writeVit(folder, syntheticVit(SIZE, planted));
  const json = (name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8'));
  const source = await openSafetensors(sourceOf(readFileSync(join(folder, 'model.safetensors'))));
  const calibrate = syntheticImages(SIZE, 2, 99);
  const preprocessor = json('preprocessor_config.json');
  const result = await importVit(source, json('config.json'), { calibrate, preprocessor });
  const trainer = Trainer.create({ ...result.options, batch: 1, steps: 3, learningRate: 0.00001 });
  await result.load(trainer);
  return { result, trainer };
}

const largest = (logits: Float64Array): number => logits.indexOf(Math.max(...logits));

describe.each<[string, Outliers, number]>([
  ['a residual of 3,000, gains of 0.1 to 10, a row of 300 deviations', PLANTED, 3],
  ['gains of 0.1 to 10 and a row', { ...PLANTED, writes: [0, 0] }, 1],
  ...(runsAll ? [['none', NONE, 0] as [string, Outliers, number]] : []),
])('outliers: %s', (what, planted, neurons) => {
  test('0 saturated on others, logits within 1 % of float64, the same clear argmax', async () => {
    const { result, trainer } = await imported(planted);
    expect([...new Set(Object.values(result.report?.saturated ?? {}))]).toEqual([0]);
    expect(result.report?.outliers.reduce((a, b) => a + b, 0)).toBe(neurons);
    expect(result.report?.epsilon).toBeLessThan(1e-5);
    const float64 = Vit.load(folder);
    const images = syntheticImages(SIZE, 8);
    const pairs = images.map((image) => [trainer.predict(image), float64.logits(image)] as const);
    const all = pairs.flatMap(([, theirs]) => [...theirs]);
    const width = Math.max(...all) - Math.min(...all);
    const apart = pairs.flatMap(([own, theirs]) => [...own.map((l, i) => Math.abs(l - theirs[i]))]);
    const worst = Math.max(...apart) / width;
    const clear = pairs.filter(([, theirs]) => {
      const [first, second] = theirs.slice().sort((a, b) => b - a);
      return first - second > BOUND * width;
    });
    const part = `${(100 * worst).toFixed(2)} % of ${width.toFixed(2)}`;
    const same = pairs.filter(([own, theirs]) => largest(own) === largest(theirs));
    console.log(
      `outliers: ${what}: logits differ by at most ${part}, argmax equal ${same.length} of 8, ` +
        `${clear.length} of them clear`,
    );
    expect(worst).toBeLessThan(BOUND);
    expect(clear.length).toBeGreaterThanOrEqual(4);
    for (const pair of clear) expect(same).toContain(pair);
    for (const image of images) trainer.evaluate({ images: image, labels: Int32Array.of(0) });
    while (trainer.steps < 3) trainer.step({ images: images[0], labels: Int32Array.of(1) });
    expect(trainer.totals).toMatchObject({ saturated: 0, overflowed: 0 });
  });
});

test('without calibrating, a massive residual is refused by name and place', async () => {
  const { config, tensors } = syntheticVit(SIZE, PLANTED);
  const source = await openSafetensors(sourceOf(safetensorsFile(tensors)));
  await expect((await importVit(source, config)).tensors()).rejects.toThrow(
    /block\.0\.up\.bias \(vit\.encoder\.layer\.0\.intermediate\.dense\.bias\) has -\d/,
  );
});
