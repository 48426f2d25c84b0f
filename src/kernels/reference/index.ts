// The reference back end: the contract (../kernels.ts) in plain TypeScript, formula by formula in
// its notation. It is slow, exact and made to be read; the WebAssembly back ends must equal it bit
// for bit (test/kernels). A file a theme, as in assembly/.

import type { Backend } from '../kernels.ts';
import { adamKernels } from './adam.ts';
import { bdiaKernels } from './bdia.ts';
import { crossEntropyKernels } from './cross-entropy.ts';
import { elementwiseKernels } from './elementwise.ts';
import { embeddingKernels } from './embedding.ts';
import { geluKernels } from './gelu.ts';
import { gemmKernels } from './gemm.ts';
import { inverseKernels } from './inverses.ts';
import { layerNormKernels } from './layer-norm.ts';
import { Memory } from './memory.ts';
import { packKernels } from './pack.ts';
import { randomKernels } from './random.ts';
import { requantizeKernels } from './requantize.ts';
import { softmaxKernels } from './softmax.ts';

/** Address 0 means "none" in the contract, so nothing lies there. */
const BASE = 64;

/** A reference back end with `bytes` free bytes after its base, or on a memory. */
export function createReferenceBackend(
  bytes: number,
  memory: Memory = new Memory(BASE + bytes),
): Backend {
  return {
    name: 'reference',
    kernels: {
      ...packKernels(memory),
      ...gemmKernels(memory),
      ...requantizeKernels(memory),
      ...elementwiseKernels(memory),
      ...layerNormKernels(memory),
      ...softmaxKernels(memory),
      ...crossEntropyKernels(memory),
      ...geluKernels(memory),
      ...embeddingKernels(memory),
      ...bdiaKernels(memory),
      ...adamKernels(memory),
      ...randomKernels(memory),
      ...inverseKernels(memory),
    },
    memory,
    base: BASE,
  };
}
