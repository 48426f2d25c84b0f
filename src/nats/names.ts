// How messages and streams of a run are called on the server. A worker's name is part of the
// subjects that it publishes, so a server's permissions can keep it to its own.

import { having, refuse } from '../core/check.ts';

/** What every subject of the library begins with. */
export const PREFIX = 'rg';

/** Letters, digits, _ and -: what a token of a subject, and a stream's name, may have. */
const TOKEN = /^[A-Za-z0-9_-]{1,64}$/;

export function checkToken(what: string, value: unknown): string {
  if (typeof value === 'string' && TOKEN.test(value)) return value;
  return refuse(what, value, '1 to 64 letters, digits, _ and -');
}

/** Throws UsageError for what is no connection of the clients'. */
export const checkConnection = (value: unknown): void =>
  void having('connection', value, ['request', 'publish', 'subscribe', 'status', 'flush']);

/** Bytes of a message, where the server allows as many: it advises against more than 8 MB and takes
 *  1 MB if it is not told otherwise. */
export const CHUNK = 2 ** 19;

/** Pieces that are fetched or put at once. */
export const AT_ONCE = 8;

export const askSubject = (run: string, worker: string): string => `${PREFIX}.${run}.ask.${worker}`;
/** A piece of a result: which one of how many, of which task. */
export const reportSubject = (
  run: string,
  worker: string,
  id: string,
  piece: number,
  of: number,
): string => `${PREFIX}.${run}.report.${worker}.${id}.${piece}.${of}`;
export const blobSubject = (run: string, sha256: string, piece: number): string =>
  `${PREFIX}.${run}.blob.${sha256}.${piece}`;
/** Where a run's coordinator says that it is there. */
export const presenceSubject = (run: string): string => `${PREFIX}.${run}.coordinator`;
export const manifestSubject = (run: string): string => `${PREFIX}.${run}.manifest`;
export const logSubject = (run: string, step: number | string): string =>
  `${PREFIX}.${run}.log.${step}`;

/** Two streams a run: what workers may read, and the log, which they may not. */
export const openStream = (run: string): string => `${PREFIX}-${run}-open`;
export const logStream = (run: string): string => `${PREFIX}-${run}-log`;
/** The run of such a stream's name. */
export const runOf = (stream: string): string | undefined => /^rg-(.+)-log$/.exec(stream)?.[1];

/** What a user of the server may do that is a worker of a run, and nothing else: for its
 *  configuration. Replies come to an inbox of its own.
 *  @example
 *  const { publish, subscribe } = workerPermissions('r1', 'anna');
 *  console.log(publish[0], subscribe.join()); // rg.r1.ask.anna _INBOX_anna.>
 */
export function workerPermissions(
  run: string,
  worker: string,
): { publish: string[]; subscribe: string[] } {
  checkToken('run', run);
  checkToken('worker', worker);
  return {
    publish: [
      askSubject(run, worker),
      `${PREFIX}.${run}.report.${worker}.>`,
      `$JS.API.DIRECT.GET.${openStream(run)}.>`,
    ],
    subscribe: [`${inboxOf(worker)}.>`],
  };
}

/** The inbox prefix of a worker's connection: with the default one, all could read the replies to
 *  all.
 *  @example
 *  console.log(inboxOf('anna')); // _INBOX_anna
 */
export const inboxOf = (worker: string): string => `_INBOX_${checkToken('worker', worker)}`;
