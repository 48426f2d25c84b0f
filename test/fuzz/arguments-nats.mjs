// Calls of retrograd/nats.

import { W } from './arguments-good.mjs';

/** A connection to a server that knows nothing. */
const connection = () => ({
  request: async () => ({ data: new Uint8Array(0) }),
  publish: () => undefined,
  subscribe: () => undefined,
  status: async function* status() {},
  info: { max_payload: 1024 },
});

/** Names, calls and good arguments. */
export const NATS_CALLS = [
  ['openCoordinator', W.openCoordinator, () => [connection(), 'r1', 1000]],
  ['openWorker', W.openWorker, () => [connection(), 'r1', 'anna', 1000]],
  ['fetchManifest', W.fetchManifest, () => [connection(), 'r1']],
  ['listRuns', W.listRuns, () => [connection()]],
  ['inboxOf', W.inboxOf, () => ['anna']],
  ['workerPermissions', W.workerPermissions, () => ['r1', 'anna']],
];
