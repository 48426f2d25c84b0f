// --lora: a low-rank adapter in a word, its rank and the matrices that it is on.

import { quote } from './argv.ts';
import { type FullLora, LORA_RANK_MAX, UsageError } from './library.ts';

/** Those of every transformer. */
const MATRICES = 'qkv,projection,up,down';

/** A parser of a rank, and maybe of names of matrices: 8 as in 8:qkv,projection,up,down. */
export const loraWord =
  (flag: string) =>
  (given: string): string => {
    const [, rank = '0', on = MATRICES] = /^0*(\d+)(?::(\w+(?:,\w+)*))?$/.exec(given) ?? [];
    if (Number(rank) < 1 || Number(rank) > LORA_RANK_MAX)
      throw new UsageError(
        `${flag} is ${quote(given)}, expected a rank from 1 to ${LORA_RANK_MAX}`,
        'names of matrices may follow, as in 8 or 8:qkv,down',
      );
    return `${rank}:${[...new Set(on.split(','))].join(',')}`;
  };

/** What such a word says. */
export function loraOptions(word: string): Pick<FullLora, 'rank' | 'on'> {
  const [rank, on] = word.split(':');
  return { rank: Number(rank), on: on.split(',') };
}

/** The word of an adapter. */
export const wordOfLora = ({ rank, on }: Pick<FullLora, 'rank' | 'on'>): string =>
  `${rank}:${on.join(',')}`;
