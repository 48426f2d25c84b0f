// Helps a run: fetches its text, makes a trainer of its options, and computes parts until the end.

import type { NatsConnection } from '@nats-io/nats-core';
import {
  fillBatch,
  RetrogradError,
  readText,
  sha256Hex,
  type TextBatch,
  type TextEncoding,
  Trainer,
} from 'retrograd';
import { type Task, type WorkerCourier, type WorkReport, work } from 'retrograd/distributed';
import { fetchManifest, openWorker } from 'retrograd/nats';
import { bytes as inBytes } from '../../../playground/format.ts';
import type { Event } from '../protocol.ts';
import { HeldCourier } from './courier.ts';
import type { TextRun } from './manifest.ts';
import { refusalOf } from './refusal.ts';

/** Most bytes of a coded weight. */
const MOST_CODED = 8;

const LOST = 'the connection is lost; the server is looked for';
const SILENT = 'no coordinator answers; it is asked again';

/** What a volunteer wants. */
export interface Wish {
  readonly name: string;
  /** Most bytes, sent and received. */
  readonly most: number | undefined;
  /** Digest of the answers of all kernels in this browser. */
  readonly kernels: string;
}

async function fetchText(
  courier: WorkerCourier,
  { sha256, bytes, run }: TextRun,
): Promise<Uint8Array> {
  const found = await courier.fetch(sha256);
  if (found === undefined)
    throw new RetrogradError(`the text of the run ${run} is not on the server any more`);
  if (found.length !== bytes || (await sha256Hex(found)) !== sha256)
    throw new RetrogradError(`what the server sends is not the text of the run ${run}`);
  return found;
}

/** The batch of a step, as every worker of the run makes it. */
function batches({ options, vocabulary }: TextRun, file: Uint8Array): (step: number) => TextBatch {
  const { context } = Object(options.model.config);
  const { train } = readText<TextEncoding>(file, { context, vocabulary, what: "the run's text" });
  const { seed = 0, batch } = options;
  const inputs = new Int32Array(batch * context);
  const targets = new Int32Array(batch * context);
  return (step) => {
    fillBatch(train, { seed, batch, context, step }, inputs, targets);
    return { inputs, targets };
  };
}

function checkLimit({ info }: TextRun, most: number | undefined): void {
  const least = info.begin + info.eachPart;
  if (most === undefined || most >= least) return;
  throw new RetrogradError(
    `the limit is ${inBytes(most)}, and the text, the weights and one part need about ` +
      `${inBytes(least)}`,
    'raise the limit, or leave it empty',
  );
}

/** What a run is computed with. */
interface Tools {
  readonly courier: WorkerCourier;
  readonly trainer: Trainer<TextBatch>;
  readonly batchOf: (step: number) => TextBatch;
}

export class Help {
  private readonly held: HeldCourier;
  private samples = 0;
  private step = 0;
  private isConnected = true;
  private report: Readonly<WorkReport> = { parts: 0, uploaded: 0, downloaded: 0, ended: '' };

  private constructor(
    private readonly connection: NatsConnection,
    private readonly run: TextRun,
    private readonly wish: Wish,
    private readonly tools: Tools,
    private readonly emit: (event: Event) => void,
  ) {
    const { most } = wish;
    this.held = new HeldCourier(tools.courier, {
      moved: () => {
        const { inBytes: down, outBytes: up } = connection.stats();
        return down + up;
      },
      most,
      full: `the limit of ${inBytes(most ?? 0)} is reached`,
      paused: () => {
        this.tell();
        emit({ kind: 'paused' });
      },
      silent: (isSilent) =>
        emit({ kind: 'connection', words: isSilent ? SILENT : 'the coordinator is back' }),
      isThere: async () =>
        !this.isConnected || (await fetchManifest(connection, run.run)) !== undefined,
      gone: 'the server does not have the run any more: it is complete, or was taken away',
    });
    this.watch();
  }

  /** Fetches what a run needs. Throws RetrogradError. */
  static async open(
    connection: NatsConnection,
    run: TextRun,
    wish: Wish,
    emit: (event: Event) => void,
  ): Promise<Help> {
    checkLimit(run, wish.most);
    const largest = Math.max(run.bytes, MOST_CODED * run.info.parameters + 1024);
    const courier = await openWorker(connection, run.run, wish.name, largest);
    const batchOf = batches(run, await fetchText(courier, run));
    const tools = { courier, batchOf, trainer: Trainer.create(run.options) };
    return new Help(connection, run, wish, tools, emit);
  }

  /** Computes parts until the end, which is an event. */
  async go(): Promise<void> {
    const { held: courier, run, wish, tools, emit } = this;
    const { trainer, batchOf } = tools;
    const { name, kernels } = wish;
    const onTask = (task: Task, report: Readonly<WorkReport>): void => {
      this.report = report;
      this.step = task.step + 1;
      this.samples += task.count;
      this.tell();
    };
    try {
      const about = { run: run.run, name, kernels, onTask };
      this.report = await work({ trainer, batchOf, courier, ...about });
      this.tell();
      emit({ kind: 'end', why: this.report.ended });
    } catch (error) {
      this.tell();
      emit({ kind: 'failed', step: this.step, failure: refusalOf(error) });
    } finally {
      trainer.close();
      await this.connection.close();
    }
  }

  pause(): void {
    this.held.pause();
  }

  resume(): void {
    this.held.resume();
  }

  stop(): void {
    this.held.end('stopped here');
  }

  /** Says what becomes of the connection; one that the server closes for good is the end. */
  private async watch(): Promise<void> {
    const { connection, emit } = this;
    connection.closed().then((error) => {
      if (error) this.held.end(`the server ended the connection: ${error.message}`);
    });
    for await (const { type } of connection.status()) {
      if (type !== 'disconnect' && type !== 'reconnect') continue;
      if (this.isConnected === (type === 'reconnect')) continue; // each try that fails is told
      this.isConnected = !this.isConnected;
      const words = this.isConnected ? 'the connection is back' : LOST;
      emit({ kind: 'connection', words });
    }
  }

  private tell(): void {
    const { samples, step, connection } = this;
    const { inBytes: down, outBytes: up } = connection.stats();
    this.emit({ kind: 'done', parts: this.report.parts, samples, step, up, down });
  }
}
