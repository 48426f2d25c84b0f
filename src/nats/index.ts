// Training across machines over NATS: the official clients, which this entry alone needs.

export { openCoordinator, type RunCourier } from './coordinator.ts';
export { inboxOf, workerPermissions } from './names.ts';
export { listRuns, type RunOnServer } from './runs.ts';
export { fetchManifest, openWorker } from './worker.ts';
