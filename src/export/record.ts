// What an export says of itself beside the weights, in the metadata of model.safetensors: enough to
// have the same int32 master weights again, bit for bit. Other programs do not look at it.

import type { NamedTensor } from '../index.ts';
import type { Source } from './source.ts';

/** Version of the record. */
const VERSION = 1;
/** Most weights whose remainders are kept: a model has few beyond ±1, gains mostly. */
const MOST_REMAINDERS = 2 ** 17;

/** Index and remainder in turn of every weight that float32 rounds: its raw number less that of
 *  the float. Only weights beyond ±1 have more than the 24 bits that a float32 holds. */
function remaindersOf({ data }: NamedTensor): number[] {
  const found: number[] = [];
  for (let i = 0; i < data.length; i++) {
    const remainder = data[i] - Math.fround(data[i]);
    if (remainder !== 0) found.push(i, remainder);
  }
  return found;
}

/** The record as JSON. `remainders`: by name, unless they are more than 2^17. */
export function recordOf(source: Source): string {
  const { model, config, weights } = source;
  const { rule, ...shape } = config as { rule?: { name?: string } };
  const remainders: Record<string, number[]> = {};
  let rounded = 0;
  for (const tensor of weights) {
    const found = remaindersOf(tensor);
    rounded += found.length / 2;
    if (found.length > 0 && rounded <= MOST_REMAINDERS) remainders[tensor.name] = found;
  }
  return JSON.stringify({
    version: VERSION,
    model,
    config: shape,
    rule: rule?.name,
    weightsSha256: source.sha256(),
    rounded,
    ...(rounded <= MOST_REMAINDERS ? { remainders } : {}),
  });
}
