import type { Trainer, TrainOptions } from '../../src/index.ts';
import type { Recorder } from '../../src/receipt/index.ts';

type Library = typeof import('../../src/index.ts');

export function receiptDigest(
  library: Pick<Library, 'Trainer' | 'gpt' | 'sha256Hex'>,
  entry: { Recorder: typeof Recorder },
  options?: Partial<TrainOptions<never>>,
  test?: Parameters<typeof Trainer.forTests>[1],
): Promise<string>;
