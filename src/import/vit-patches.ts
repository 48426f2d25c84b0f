// The patch projection of another program as ours: its kernel [C; colour, y, x] in our order
// [C; y, x, colour], for our pixels (pixels.ts): W (scale z + offset) + b.

import type { TensorSource } from './pieces.ts';
import type { Pixels } from './pixels.ts';
import { eachElement, type Part, type Placing } from './recipe.ts';
import type { ImageGrid } from './vit-config.ts';

/** What fills the projection: the kernel, which is in our order or in theirs. */
export interface PatchKernel {
  readonly source: TensorSource;
  readonly part: Part;
  readonly image: ImageGrid;
  readonly isOurs: boolean;
}

/** Where the kernel's columns go, what they are multiplied by, and what the bias is more. */
export async function patchPlacing(
  { source, part, image, isOurs }: PatchKernel,
  { scale, offset }: Pixels,
): Promise<{ readonly weight: Placing; readonly bias: Placing }> {
  const { patch, colours } = image;
  const pixels = patch * patch;
  const columns = pixels * colours;
  const colourOf = (i: number): number => (isOurs ? i % colours : Math.floor(i / pixels));
  const placeOf = (i: number): number => (isOurs ? i : (i % pixels) * colours + colourOf(i));
  const weight = {
    onColumns: {
      places: Int32Array.from({ length: columns }, (_, i) => placeOf(i)),
      factors: Float64Array.from({ length: columns }, (_, i) => scale[colourOf(i)]),
    },
  };
  if (offset.every((value) => value === 0)) return { weight, bias: {} };
  const added = new Float64Array(part.rows);
  await eachElement(source, { parts: [part], columns }, (row, column, value) => {
    added[row] += value * offset[colourOf(column)];
  });
  return { weight, bias: { added } };
}
