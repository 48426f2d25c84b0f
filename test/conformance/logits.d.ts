import type { Generator } from '../../src/generate/index.ts';
import type { gpt, sha256Hex, TextBatch, Trainer } from '../../src/index.ts';

interface Library {
  gpt: typeof gpt;
  Trainer: typeof Trainer;
  sha256Hex: typeof sha256Hex;
}

export const SHAPE: Readonly<
  Record<'vocabulary' | 'layers' | 'channels' | 'heads' | 'context', number>
>;
export const PROMPTS: readonly Int32Array[];
export function trained(
  library: Pick<Library, 'gpt' | 'Trainer'>,
  threads?: number,
): Promise<Trainer<TextBatch>>;
export function digestOf(
  hash: typeof sha256Hex,
  rows: readonly ArrayLike<number>[],
): Promise<string>;
export function logitsDigest(
  library: Library,
  entry: { Generator: typeof Generator },
): Promise<string>;
