// A worker's side of a NATS server, and who looks for a run. What JetStream keeps is asked for by
// plain requests, so that a page does not need its client: that has 19 kB, compressed.

import type { NatsConnection } from '@nats-io/nats-core';
import { whole } from '../core/check.ts';
import { sha256 as digest, hex } from '../core/digest.ts';
import { RetrogradError } from '../core/errors.ts';
import type { WorkerCourier } from '../distributed/index.ts';
import {
  AT_ONCE,
  askSubject,
  blobSubject,
  CHUNK,
  checkConnection,
  checkToken,
  manifestSubject,
  openStream,
  reportSubject,
} from './names.ts';
import { type Bytes, cut, join, uncounted } from './pieces.ts';

/** Milliseconds that an answer may take: to a question, which a coordinator keeps for two seconds
 *  at most, to a result, and from what the server keeps. One that was killed never answers. */
const ASKING = 5000;
const REPORTING = 8000;
const FETCHING = 5000;
/** Most bytes of a blob. */
const MOST = 2 ** 31 - 1;

/** What a run says of itself, or undefined if the server does not know it.
 *  @example
 *  const isKnown = async (connection) => (await fetchManifest(connection, 'r1')) !== undefined;
 *  await isKnown('no connection').catch(({ name }) => console.log(name)); // UsageError
 */
export async function fetchManifest(
  connection: NatsConnection,
  run: string,
): Promise<Bytes | undefined> {
  const subject = manifestSubject(checkToken('run', run));
  checkConnection(connection);
  return last(connection, run, subject);
}

/** The last message of a subject of the run's stream; undefined if there is none. */
async function last(
  connection: NatsConnection,
  run: string,
  subject: string,
): Promise<Bytes | undefined> {
  try {
    const place = `$JS.API.DIRECT.GET.${openStream(run)}.${subject}`;
    const { data, headers } = await connection.request(place, '', { timeout: FETCHING });
    return headers?.code === 0 ? (data as Bytes) : undefined; // 404: no such message
  } catch {
    return undefined; // no such stream, or nobody answers: it may come later
  }
}

/** A worker's courier over a connection to a NATS server, of `connect({ servers, inboxPrefix:
 *  inboxOf(worker) })`. `worker`: its name, which the server's permissions may know
 *  (workerPermissions). `most`: bytes of the largest blob that is fetched (2^31 - 1). Throws
 *  UsageError for a name that no subject can have.
 *  @example
 *  async function join(connection, trainer, batchOf, kernels) {
 *    const courier = await openWorker(connection, 'r1', 'anna');
 *    return work({ trainer, batchOf, courier, name: 'anna', run: 'r1', kernels });
 *  }
 *  await join('no connection').catch(({ name }) => console.log(name)); // UsageError
 */
export async function openWorker(
  connection: NatsConnection,
  run: string,
  worker: string,
  most = MOST,
): Promise<WorkerCourier> {
  checkToken('run', run);
  checkToken('worker', worker);
  whole('most', most, 1, MOST);
  checkConnection(connection);
  const own = new NatsWorker(connection, run, worker, most);
  own.listen();
  return own;
}

class NatsWorker implements WorkerCourier {
  /** What ends the questions that wait for an answer. */
  private readonly waiting = new Set<(error: Error) => void>();

  constructor(
    private readonly connection: NatsConnection,
    private readonly run: string,
    private readonly worker: string,
    private readonly most: number,
  ) {}

  /** An answer that was on its way when the connection broke does not come any more. */
  async listen(): Promise<void> {
    for await (const { type } of this.connection.status())
      if (type === 'disconnect')
        for (const leave of this.waiting) leave(new RetrogradError('the connection broke'));
  }

  /** Asks the coordinator for work: `work` calls it. */
  async ask(message: Bytes): Promise<Bytes> {
    return this.request(askSubject(this.run, this.worker), message, ASKING);
  }

  private async request(subject: string, message: Bytes, timeout: number): Promise<Bytes> {
    let leave = (_: Error): void => undefined;
    const isGone = new Promise<never>((_, reject) => {
      leave = reject;
    });
    this.waiting.add(leave);
    const asked = this.connection.request(subject, message, { timeout });
    const { data } = await Promise.race([asked, isGone]).finally(() => this.waiting.delete(leave));
    if (data.length > 0) return new Uint8Array(data);
    throw new RetrogradError('the coordinator did not understand', 'it is asked again');
  }

  /** Hands in a result: `work` calls it. */
  async report(message: Bytes): Promise<Bytes> {
    const { connection, run, worker } = this;
    const pieces = cut(message, connection.info?.max_payload);
    const id = hex(digest([message.subarray(0, 4096)])).slice(0, 16);
    const subject = (i: number): string => reportSubject(run, worker, id, i, pieces.length);
    const last = pieces.length - 1;
    for (let i = 0; i < last; i++) {
      connection.publish(subject(i), pieces[i]);
      await connection.flush(); // what waits in a slow link waits no longer than a piece takes
    }
    return this.request(subject(last), pieces[last], REPORTING);
  }

  /** Bytes that the coordinator has put; undefined if they are gone. */
  async fetch(sha256: string): Promise<Bytes | undefined> {
    const { connection, run, most } = this;
    const get = (piece: number): Promise<Bytes | undefined> =>
      last(connection, run, blobSubject(run, sha256, piece));
    const first = await get(0);
    const head = first === undefined ? undefined : uncounted(first);
    if (head === undefined || head.count * CHUNK > most + CHUNK) return undefined;
    const pieces: Uint8Array[] = [head.piece];
    for (let from = 1; from < head.count; from += AT_ONCE) {
      const length = Math.min(AT_ONCE, head.count - from);
      const next = await Promise.all(Array.from({ length }, (_, i) => get(from + i)));
      for (const piece of next) {
        if (piece === undefined) return undefined;
        pieces.push(piece);
      }
    }
    return join(pieces);
  }
}
