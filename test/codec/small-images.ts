// A small discrete flow, made-up images that it is trained on, and files of them.

import { type ArchiveFile, ImageModel, writeNetpbm } from '../../src/codec/index.ts';
import { type IdfConfig, idf, type PixelBatch, Trainer } from '../../src/index.ts';
import { Source } from '../helpers/data.ts';

export const COLOUR: IdfConfig = { width: 8, height: 8, levels: 2, flows: 2, channels: 8 };
export const GREY: IdfConfig = { ...COLOUR, colours: 1, levels: 1 };

/** A smooth image with noise. */
export function image(source: Source, width: number, height: number, colours: number): Uint8Array {
  const [base, dx, dy] = [source.between(60, 160), source.between(-6, 6), source.between(-6, 6)];
  return Uint8Array.from({ length: width * height * colours }, (_, i) => {
    const pixel = Math.floor(i / colours);
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    const value = base + dx * (x % 9) + dy * (y % 9) + 5 * (i % colours) + source.between(0, 3);
    return Math.min(255, Math.max(0, value));
  });
}

/** A trainer after some steps. */
export function trained(config: IdfConfig, steps: number): Trainer<PixelBatch> {
  const model = idf(config);
  const trainer = Trainer.create({ model, batch: 8, steps: 120, learningRate: 0.01 });
  const source = new Source(1, 1);
  const { width, height, colours = 3 } = config;
  while (trainer.steps < steps) {
    const images = Array.from({ length: 8 }, () => [...image(source, width, height, colours)]);
    trainer.step({ images: Uint8Array.from(images.flat()) });
  }
  return trainer;
}

/** Its model. */
export const modelOf = (config: IdfConfig, trainer: Trainer<PixelBatch>): ImageModel =>
  ImageModel.of(config, trainer.tensors());

/** Images as files. */
export function pictures(count: number, width: number, height: number, colours = 3): ArchiveFile[] {
  const source = new Source(2, 2);
  return Array.from({ length: count }, (_, i) => ({
    name: `${i}.${colours === 1 ? 'pgm' : 'ppm'}`,
    bytes: writeNetpbm({ width, height, colours, pixels: image(source, width, height, colours) }),
  }));
}
