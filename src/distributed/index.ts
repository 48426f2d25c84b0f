// Training across machines: parts of steps, their exact sum, and who computes them. No network.

export { computePart } from './compute.ts';
export { Coordinator } from './coordinator.ts';
export type { CoordinatorEvent, CoordinatorOptions } from './coordinator-options.ts';
export type { Clock, CoordinatorCourier, Desk, WorkerCourier } from './courier.ts';
export { DistributedError } from './errors.ts';
export type { GradientPart, PartRange, PartSums } from './part.ts';
export { decodePart, digestPart, encodePart } from './part.ts';
export { PartSum, partLimit } from './part-sum.ts';
export { makeRound } from './round.ts';
export type { BatchOf } from './shard.ts';
export type { Source, Task } from './task.ts';
export { copyWeights, decodeWeights, encodeWeights, setWeights } from './weights.ts';
export { type WorkOptions, type WorkReport, work } from './worker.ts';
