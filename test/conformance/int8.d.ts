import type { Int8Options, Trainer } from '../../src/index.ts';

type Library = typeof import('../../src/index.ts');

export function int8Run(
  library: Pick<Library, 'Trainer' | 'gpt' | 'int8'>,
  options?: Int8Options,
  test?: Parameters<typeof Trainer.forTests>[1],
): Promise<{ digest: string; kernels: string }>;
export function int8Digest(
  library: Pick<Library, 'Trainer' | 'gpt' | 'int8' | 'chooseInt8'>,
): Promise<string>;
