// --receipt FILE: the receipt of a run, written line by line while it trains. A line is on its way
// to the disk before a checkpoint of its step is written, so a run that goes on finds every step
// that its checkpoint has. A receipt that cannot be written costs a warning, never the run.

import * as fs from 'node:fs';
import { quote } from '../argv.ts';
import {
  cutReceipt,
  MAX_RECEIPT_BYTES,
  ReceiptError,
  Recorder,
  type StepReport,
  UsageError,
} from '../library.ts';
import type { RunValues } from '../options.ts';
import { warn } from '../output.ts';
import type { Prepared } from '../prepare.ts';
import { readBounded } from '../read.ts';
import { codeOf, reason } from '../system-errors.ts';
import { type DigestThread, digestsBeside } from './digest-thread.ts';

/** The bytes of a receipt. Throws UsageError. */
export function readReceiptFile(path: string): Uint8Array {
  try {
    return readBounded(path, MAX_RECEIPT_BYTES);
  } catch (error) {
    throw new UsageError(
      `receipt ${quote(path)} ${reason(error)}, expected a receipt that train wrote`,
      'give the file of --receipt',
    );
  }
}

/** An error of a receipt names its file. `hint`: where it has none. */
export async function about<T>(
  path: string,
  read: () => T | Promise<T>,
  hint = 'see docs/receipts.md',
): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof ReceiptError)) throw error;
    const [message] = error.message.split('. HINT: ');
    throw new ReceiptError(`${quote(path)}: ${message}`, error.hint ?? hint);
  }
}

const NEW = 'give another file to --receipt: a new receipt begins where the run is';

function openNew(path: string): number {
  try {
    return fs.openSync(path, 'wx');
  } catch (error) {
    const isThere = codeOf(error) === 'EEXIST';
    throw new UsageError(
      `--receipt ${quote(path)} ${isThere ? 'is there already' : reason(error)}, expected a new ` +
        'file that can be written',
      isThere ? 'go on with its run by --resume, or choose another file' : 'choose another file',
    );
  }
}

/** The receipt of a run on its way. */
export class RunReceipt {
  private handle: number | undefined;
  private done: Promise<void> = Promise.resolve();
  /** Hears of each line once it is written. */
  onLine: ((step: number, line: string) => Promise<void>) | undefined;

  private constructor(
    readonly path: string,
    private readonly recorder: Recorder<never>,
    private readonly thread: DigestThread,
  ) {}

  /** Begins a receipt, or goes on with that of a run that is resumed: what it says of steps after
   *  the checkpoint happens again. Throws UsageError, ReceiptError. */
  static async open(path: string, prepared: Prepared, values: RunValues): Promise<RunReceipt> {
    const thread = digestsBeside(prepared.trainer);
    try {
      return await RunReceipt.openOn(thread, path, prepared, values);
    } catch (error) {
      thread.close();
      throw error;
    }
  }

  private static async openOn(
    thread: DigestThread,
    path: string,
    { kind, trainer, data, initSha256 }: Prepared,
    values: RunValues,
  ): Promise<RunReceipt> {
    const { sha256 } = thread;
    if (values.resume !== undefined && fs.existsSync(path)) {
      const file = readReceiptFile(path);
      const begun = await about(path, () => cutReceipt(file, trainer.steps), NEW);
      const recorder = await about(path, () => Recorder.resume(trainer, begun, { sha256 }), NEW);
      const receipt = new RunReceipt(path, recorder, thread);
      fs.truncateSync(path, begun.length);
      receipt.handle = fs.openSync(path, 'a');
      return receipt;
    }
    const recorder = await Recorder.begin(trainer, {
      dataSha256: data.sha256,
      vocabulary: kind.toJson(data.known),
      imported: trainer.steps > 0 || initSha256 !== undefined,
      every: values.saveEvery,
      full: values.receiptFull === true,
      sha256,
    });
    const receipt = new RunReceipt(path, recorder, thread);
    receipt.handle = openNew(path);
    receipt.write(recorder.header);
    return receipt;
  }

  /** The first line. */
  get header(): string {
    return this.recorder.header;
  }

  /** Records a step. Resolves when the step before it is written. */
  record(report: StepReport): Promise<void> {
    const before = this.done;
    const line = this.recorder.record(report);
    this.done = (async () => {
      await before;
      const text = await line;
      this.write(text);
      await this.onLine?.(report.step, text);
    })();
    this.done.catch(() => undefined); // heard of with the next step, or at the end
    return before;
  }

  /** Resolves when all that was recorded is written. */
  async settled(): Promise<void> {
    await this.done;
    if (this.handle !== undefined) fs.fsyncSync(this.handle);
  }

  /** Throws what writing or telling of a line did. */
  async close(): Promise<void> {
    try {
      await this.done;
    } finally {
      if (this.handle !== undefined) fs.closeSync(this.handle);
      this.handle = undefined;
      this.thread.close();
    }
  }

  private write(line: string): void {
    const { handle } = this;
    if (handle === undefined) return;
    try {
      fs.writeFileSync(handle, line);
    } catch (error) {
      this.handle = undefined;
      fs.closeSync(handle);
      warn(`the receipt ${quote(this.path)} ${reason(error)}; it ends before this step`);
    }
  }
}
