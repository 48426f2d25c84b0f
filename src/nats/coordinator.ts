// The coordinator's side of a NATS server. Questions and results of workers are plain requests,
// which nobody keeps: what is lost is asked again. JetStream keeps what workers fetch, by its
// digest, and the log, in which each step has one place that the first line takes. When the server
// has lost its store, the streams are made anew.

import {
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
} from '@nats-io/jetstream';
import type { Msg, NatsConnection } from '@nats-io/nats-core';
import { whole } from '../core/check.ts';
import { RetrogradError } from '../core/errors.ts';
import type { CoordinatorCourier, Desk } from '../distributed/index.ts';
import {
  AT_ONCE,
  blobSubject,
  CHUNK,
  checkConnection,
  checkToken,
  logStream,
  logSubject,
  manifestSubject,
  openStream,
  PREFIX,
  presenceSubject,
} from './names.ts';
import { type Bytes, counted, cut, join, Room } from './pieces.ts';

/** JetStream's error: the subject of the log has its line. */
const TAKEN = 10077;
/** Tries of what a server that begins again may refuse, and milliseconds between them. */
const TRIES = 20;
const PAUSE = 500;
/** Milliseconds between two looks whether the run is still on the server. */
const LOOK = 3000;
/** Milliseconds in which a coordinator says that it is there. */
const PRESENCE = 1000;
/** Most bytes that a worker's result may have before it is whole. */
const MOST = 2 ** 31 - 1;

const sleep = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** The same, but no process lives longer for it. */
const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => {
    const timer: { unref?: () => void } = setTimeout(resolve, milliseconds) as never;
    timer.unref?.();
  });

/** A result on its way: its pieces so far. */
interface Arriving {
  readonly id: string;
  readonly pieces: (Uint8Array | undefined)[];
  bytes: number;
}

/** What carries a coordinator's messages over a NATS server. */
export interface RunCourier extends CoordinatorCourier {
  /** Says what the run is to all who look for it. `put` puts what they will fetch, now and whenever
   *  the server has lost it. */
  announce(manifest: Bytes, put: () => Promise<void>): Promise<void>;
  /** Puts the line of a step into the log, where the first one stays; returns that. */
  append(step: number, line: string): Promise<string>;
  /** Whether another coordinator of the run answers. */
  isTaken(): Promise<boolean>;
  /** Removes the run from the server. */
  remove(): Promise<void>;
}

/** A coordinator's courier over a connection to a NATS server with JetStream: of `connect`, from
 *  @nats-io/transport-node, or `wsconnect`, from @nats-io/nats-core. `most`: bytes of the largest
 *  result that is taken (2^31 - 1). Throws UsageError for a name that no subject can have,
 *  RetrogradError if the server has no JetStream.
 *  @example
 *  async function coordinate(connection, trainer, kernels) {
 *    const courier = await openCoordinator(connection, 'r1');
 *    return new Coordinator(trainer, courier, { run: 'r1', kernels });
 *  }
 *  await coordinate('no connection').catch(({ name }) => console.log(name)); // UsageError
 */
export async function openCoordinator(
  connection: NatsConnection,
  run: string,
  most = MOST,
): Promise<RunCourier> {
  checkToken('run', run);
  checkConnection(connection);
  whole('most', most, 1, MOST);
  try {
    const manager = await jetstreamManager(connection);
    const own = new NatsCoordinator(connection, manager, jetstream(connection), run, most);
    await own.open();
    return own;
  } catch (error) {
    throw new RetrogradError(
      `the server keeps nothing: ${(error as Error).message}`,
      'start it with JetStream: nats-server -js',
    );
  }
}

class NatsCoordinator implements RunCourier {
  private manifest: Bytes | undefined;
  /** Puts again what was put, where the server has lost its store. */
  private restore: () => Promise<void> = async () => undefined;
  private isRestoring = false;
  private repairing: Promise<void> = Promise.resolve();
  private isRemoved = false;
  private readonly arriving = new Map<string, Arriving>();
  private readonly memory = new Room();
  /** Where the latest question and the latest result of each worker are answered. */
  private readonly replies = new Map<string, string>();

  constructor(
    private readonly connection: NatsConnection,
    private readonly manager: JetStreamManager,
    private readonly stream: JetStreamClient,
    private readonly run: string,
    private readonly most: number,
  ) {}

  /** Makes the streams, and looks after them from now on. */
  async open(): Promise<void> {
    await this.makeStreams();
    this.watch();
  }

  private async makeStreams(): Promise<void> {
    const { manager, run } = this;
    const open = {
      name: openStream(run),
      subjects: [`${PREFIX}.${run}.blob.>`, manifestSubject(run)],
      max_msgs_per_subject: 1,
      allow_direct: true,
    };
    const log = {
      name: logStream(run),
      subjects: [logSubject(run, '*')],
      max_msgs_per_subject: 1,
      discard: 'new' as const,
      discard_new_per_subject: true,
    };
    await manager.streams.add(open);
    await manager.streams.add(log as never);
  }

  /** Looks now and then whether the run is still there: a server may lose its store, and another
   *  coordinator that has done all steps removes the run. */
  private async watch(): Promise<void> {
    while (!this.isRemoved && !this.connection.isClosed()) {
      await pause(LOOK);
      if (this.manifest === undefined || (await this.isAnnounced())) continue;
      this.repairing = this.repair().catch(() => undefined); // the next look tells
      await this.repairing;
    }
  }

  private async isAnnounced(): Promise<boolean> {
    const query = { last_by_subj: manifestSubject(this.run) };
    const found = this.manager.streams.getMessage(openStream(this.run), query);
    return (await found.catch(() => null)) !== null;
  }

  /** Makes the streams and announces the run again, if they are gone. */
  private async repair(): Promise<void> {
    if (this.isRestoring || this.isRemoved) return; // what is put meanwhile may come here again
    this.isRestoring = true;
    try {
      await this.makeStreams();
      if (this.manifest === undefined || (await this.isAnnounced())) return;
      await this.restore();
      await this.stream.publish(manifestSubject(this.run), this.manifest);
    } finally {
      this.isRestoring = false;
    }
  }

  /** Does what needs the streams, and makes them anew where they are gone. */
  private async keeping<T>(work: () => Promise<T>): Promise<T> {
    for (let i = 1; ; i++) {
      try {
        return await work();
      } catch (error) {
        if (error instanceof JetStreamApiError && error.code === TAKEN) throw error;
        if (i >= TRIES || this.isRemoved || this.connection.isClosed())
          throw new RetrogradError(`the server does not answer: ${(error as Error).message}`);
        await sleep(PAUSE);
        await this.repair().catch(() => undefined); // the next try tells
      }
    }
  }

  /** Says what the run is to all who look for it. `put` puts what they will fetch, now and whenever
   *  the server has lost it. */
  async announce(manifest: Bytes, put: () => Promise<void>): Promise<void> {
    await put();
    this.restore = put;
    this.manifest = manifest;
    await this.keeping(() => this.stream.publish(manifestSubject(this.run), manifest));
  }

  /** Keeps bytes under their SHA-256, 64 hex digits. */
  async put(sha256: string, bytes: Bytes): Promise<void> {
    const pieces = cut(bytes, this.room());
    const message = (i: number): Bytes => (i === 0 ? counted(pieces.length, pieces[0]) : pieces[i]);
    const publish = (i: number) =>
      this.stream.publish(blobSubject(this.run, sha256, i), message(i));
    for (let from = 0; from < pieces.length; from += AT_ONCE) {
      const length = Math.min(AT_ONCE, pieces.length - from);
      await this.keeping(() => Promise.all(Array.from({ length }, (_, i) => publish(from + i))));
    }
  }

  private room(): number {
    return (this.connection.info?.max_payload ?? CHUNK + 4) - 4;
  }

  /** Those are not needed any more. */
  async drop(sha256: string): Promise<void> {
    const filter = `${PREFIX}.${this.run}.blob.${sha256}.>`;
    await this.manager.streams.purge(openStream(this.run), { filter }).catch(() => undefined);
  }

  /** Puts the line of a step into the log, where the first one stays; returns that. */
  async append(step: number, line: string): Promise<string> {
    const subject = logSubject(this.run, step);
    try {
      await this.keeping(() => this.stream.publish(subject, line));
      return line;
    } catch (error) {
      if (!(error instanceof JetStreamApiError)) throw error;
      const there = await this.manager.streams.getMessage(logStream(this.run), {
        last_by_subj: subject,
      });
      return there === null ? line : new TextDecoder().decode(there.data);
    }
  }

  /** Whether another coordinator of the run answers. */
  async isTaken(): Promise<boolean> {
    const asked = this.connection.request(presenceSubject(this.run), '', { timeout: PRESENCE });
    return asked.then(
      () => true,
      () => false,
    );
  }

  /** Answers workers by `desk` from now on: a `Coordinator` calls it. */
  async serve(desk: Desk): Promise<void> {
    const { connection, run } = this;
    connection.subscribe(presenceSubject(run), {
      callback: (error, message) => void (error === null && message.respond('')),
    });
    const answer = (message: Msg, reply: Promise<Bytes>): void => {
      reply.then(
        (bytes) => message.respond(bytes),
        () => message.respond(new Uint8Array(0)), // it will ask again
      );
    };
    connection.subscribe(`${PREFIX}.${run}.ask.*`, {
      callback: (error, message) => {
        if (error !== null) return;
        const worker = message.subject.split('.')[3];
        if (this.isRepeated('ask', worker, message)) return;
        answer(message, desk.ask(worker, new Uint8Array(message.data)));
      },
    });
    connection.subscribe(`${PREFIX}.${run}.report.*.*.*.*`, {
      callback: (error, message) => {
        if (error !== null) return;
        const worker = message.subject.split('.')[3];
        if (this.isRepeated('report', worker, message)) return;
        const whole = this.gather(worker, message);
        if (message.reply === undefined || message.reply === '') return;
        if (whole === undefined) message.respond(new Uint8Array(0));
        else {
          const reported = desk.report(worker, whole);
          answer(message, reported);
          reported.finally(() => this.memory.give(whole)).catch(() => undefined);
        }
      },
    });
  }

  /** Whether a message is there once more: each has a place of its own for the answer. */
  private isRepeated(kind: string, worker: string, { reply = '' }: Msg): boolean {
    const known = this.replies.get(`${kind} ${worker}`);
    if (reply !== '') this.replies.set(`${kind} ${worker}`, reply);
    return reply !== '' && reply === known;
  }

  /** Keeps a piece of a worker's result; the result, once it is whole. One at a time of each
   *  worker. */
  private gather(worker: string, message: Msg): Bytes | undefined {
    const [, , , , id, piece, of] = message.subject.split('.');
    const [index, count] = [Number(piece), Number(of)];
    const isPiece = count >= 1 && count * CHUNK <= this.most + CHUNK && index < count;
    if (!isPiece) return undefined;
    const known = this.arriving.get(worker);
    const isSame = known?.id === id && known.pieces.length === count;
    const found = isSame ? known : { id, pieces: new Array(count).fill(undefined), bytes: 0 };
    this.arriving.set(worker, found);
    found.bytes += message.data.length - (found.pieces[index]?.length ?? 0);
    found.pieces[index] = message.data;
    const isWhole = found.pieces.every((one) => one !== undefined);
    if (found.bytes > this.most || isWhole) this.arriving.delete(worker);
    return isWhole && found.bytes <= this.most
      ? join(found.pieces as Uint8Array[], this.memory)
      : undefined;
  }

  /** Removes the run from the server. */
  async remove(): Promise<void> {
    this.isRemoved = true;
    await this.repairing;
    for (const name of [openStream(this.run), logStream(this.run)])
      await this.manager.streams.delete(name).catch(() => undefined);
  }
}
