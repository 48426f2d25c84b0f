import type { Optimizer } from '../../src/index.ts';

export function centredBy(sgd: () => Optimizer): () => Optimizer;
