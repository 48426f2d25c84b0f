// retrograd compress --train PATH... -o m.rgm: a model of messages, trained on samples.

import * as fs from 'node:fs';
import { count, duration, bytes as inBytes } from '../format.ts';
import { Interrupts } from '../interrupts.ts';
import { MessageModel, type TrainMessagesOptions, trainMessages, UsageError } from '../library.ts';
import { Bar, barLine, print, printJson } from '../reporters.ts';
import { commandLine, pathWord } from '../shell.ts';
import { isLively, terminalColumns } from '../terminal.ts';
import { filesAt, outFile, readFile, writeOut } from './work.ts';

interface TrainValues extends Omit<TrainMessagesOptions, 'signal' | 'onStep'> {
  out?: string;
  force?: boolean;
  model?: string;
  train?: boolean;
  json?: boolean;
}

const STEPS = 1500;
const LINE = 10;
const RETURN = 13;
/** Lines that a plain log shows of the training. */
const LINES = 20;

/** The lines of a file without their breaks; empty ones are left out. */
function linesOf(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let from = 0; from < bytes.length; ) {
    const at = bytes.indexOf(LINE, from);
    const next = at < 0 ? bytes.length : at;
    const end = next > from && bytes[next - 1] === RETURN ? next - 1 : next;
    if (end > from) lines.push(bytes.subarray(from, end));
    from = next + 1;
  }
  return lines;
}

/** Samples: the files of a directory, the lines of a file. */
function samplesAt(paths: readonly string[]): Uint8Array[] {
  return paths.flatMap((path) =>
    fs.statSync(path, { throwIfNoEntry: false })?.isDirectory()
      ? filesAt([path]).map(({ bytes }) => bytes)
      : linesOf(readFile(path, 'file')),
  );
}

/** What shows the steps. */
function stepReporter(steps: number, isJson: boolean) {
  const began = performance.now();
  let mean: number | undefined;
  let words: string[] = [];
  const line = (done: number, of: number): string =>
    barLine('training', done / of, [`${done}/${of}`, ...words], terminalColumns());
  const bar = !isJson && isLively() ? new Bar(line, steps, 0) : undefined;
  return {
    step(step: number, bits: number): void {
      mean = mean === undefined ? bits : 0.95 * mean + 0.05 * bits;
      const left = ((performance.now() - began) / step / 1000) * (steps - step);
      words = [`${mean.toFixed(3)} bits a byte`, `${duration(left)} left`];
      bar?.update(step);
      if (isJson) printJson({ event: 'step', step, bitsPerByte: bits });
      else if (bar === undefined && isLine(step, steps))
        print(`step ${step} of ${steps}: ${words.join(', ')}`);
    },
    close: () => bar?.close(),
  };
}

const isLine = (step: number, steps: number): boolean =>
  Math.floor((step * LINES) / steps) > Math.floor(((step - 1) * LINES) / steps);

/** The options that the library takes. */
function optionsOf(values: TrainValues): TrainMessagesOptions {
  const { out: _, force: _f, model: _m, train: _t, json: _j, ...options } = values;
  return { ...options, steps: options.steps ?? STEPS };
}

/** The command: returns the exit code. */
export async function trainModel(paths: readonly string[], values: TrainValues): Promise<number> {
  if (values.model !== undefined)
    throw new UsageError('--model and --train are given', 'train a model first, then use it');
  const out = outFile(values.out, values.force === true, 'm.rgm');
  const samples = samplesAt(paths);
  const options = optionsOf(values);
  const isJson = values.json === true;
  const reporter = stepReporter(options.steps ?? STEPS, isJson);
  const interrupts = new Interrupts();
  const stop = new AbortController();
  const onStep = (step: number, bits: number): void => {
    reporter.step(step, bits);
    if (interrupts.exitCode !== undefined) stop.abort();
  };
  try {
    const file = await trainMessages(samples, { ...options, signal: stop.signal, onStep });
    reporter.close();
    writeOut(out, file);
    report(out, file, samples, isJson);
    return 0;
  } catch (error) {
    if (interrupts.exitCode === undefined) throw error;
    return interrupts.exitCode;
  } finally {
    reporter.close();
    interrupts.release();
  }
}

function report(
  out: string,
  file: Uint8Array,
  samples: readonly Uint8Array[],
  isJson: boolean,
): void {
  const { id, parameters } = MessageModel.read(file);
  const sampleBytes = samples.reduce((sum, { length }) => sum + length, 0);
  const about = { samples: samples.length, sampleBytes, parameters, bytes: file.length, id };
  if (isJson) printJson({ event: 'model', out, ...about });
  else
    print(
      `${out}: ${count(parameters)} weights in ${inBytes(file.length)}, trained on ` +
        `${count(samples.length)} messages of ${inBytes(sampleBytes)}; model ${id.slice(0, 16)}\n` +
        `next: ${commandLine('compress', 'FILE', '--model', pathWord(out), '-o', 'a.rga')}`,
    );
}
