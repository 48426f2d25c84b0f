// What a network says of a drawing: the mean of its probabilities for the drawing as it is and a
// little moved, turned and sheared, for nobody draws where the set's writers did.

import { AREA } from './set.ts';
import { type Affine, transform } from './warp.ts';

/** 256ths of a pixel that a drawing is moved by, and of a turn or shear. */
const STEP = 96;
const TILT = 40;

const as = (change: Partial<Affine>): Affine => ({
  ...{ xx: 256, xy: 0, yx: 0, yy: 256, right: 0, down: 0 },
  ...change,
});
const MOVED = [-STEP, 0, STEP].flatMap((right) =>
  [-STEP, 0, STEP].map((down) => as({ right, down })),
);
const TILTED = [-TILT, TILT].flatMap((tilt) => [as({ xy: tilt }), as({ xy: -tilt, yx: tilt })]);
const VIEWS = [...MOVED, ...TILTED];

/** Probabilities of the classes; `classify` gives those of one image. */
export function meanOverViews(
  image: Uint8Array,
  classify: (image: Uint8Array) => ArrayLike<number>,
): number[] {
  const found = VIEWS.map((affine) => {
    const view = new Uint8Array(AREA);
    transform(image, view, affine);
    return Array.from(classify(view));
  });
  return found[0].map((_, k) => found.reduce((sum, one) => sum + one[k], 0) / found.length);
}
