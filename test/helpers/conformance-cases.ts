// The cases of the published known answers, as data: sizes at and around the kernels' tiles,
// extremes of the formats. Their digests are computed by the reference implementation (npm run
// golden) and kept in src/verify/published/conformance.json.

import type { Kernels } from '../../src/kernels/kernels.ts';
import type { Arguments } from './conformance-cases/arguments.ts';
import { layerCases } from './conformance-cases/layers.ts';
import { operandCases } from './conformance-cases/operands.ts';
import { updateCases } from './conformance-cases/updates.ts';

/** Arguments of every case of every kernel, in the order of the contract. */
export const CASES: Readonly<Record<keyof Kernels, readonly Arguments[]>> = {
  ...operandCases,
  ...layerCases,
  ...updateCases,
};
