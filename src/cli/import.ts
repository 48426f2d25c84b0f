// retrograd import PATH --out RUN: a GPT-2 of another program as a run of step 0, whose weights
// `train gpt --init RUN` learns on with and `sample RUN` writes with.

import fs from 'node:fs';
import { join } from 'node:path';
import { oneLine, quote } from './argv.ts';
import { checkpointPath, holdsCheckpoint, readTextFile } from './files.ts';
import { type FoundFile, foundSource, readJsonFile } from './foreign.ts';
import { count, table } from './format.ts';
import { weightsSha256 } from './inspect.ts';
import { describeText, type GptKnown, knownJson } from './kinds/gpt-known.ts';
import {
  CheckpointError,
  checkTrainOptions,
  type Imported,
  importGpt2,
  RetrogradError,
  sha256Hex,
  type TextBatch,
  type Trainer,
  UsageError,
  Vocabulary,
} from './library.ts';
import { Bar, barLine, print, printJson } from './reporters.ts';
import { createTrainer, encodeRun } from './run.ts';
import { RunDirectory } from './run-directory.ts';
import { commandLine, pathWord } from './shell.ts';
import { isLively, terminalColumns } from './terminal.ts';
import { readTokenizer } from './tokenizers.ts';

export interface ImportValues {
  out?: string;
  text?: string;
  tokenizer?: string;
  config?: string;
  heads?: number;
  json?: boolean;
}

/** Sequences to calibrate with, and tokens of each. */
const SEQUENCES = 4;
const TOKENS = 128;
const STEPS = 1000;
const BYTES = 256;

/** The configuration: of the file, of --config, of a config.json beside it. */
function configOf(found: FoundFile, { config, heads }: ImportValues): object {
  const beside = join(found.directory, 'config.json');
  const read = (): unknown => {
    if (config !== undefined) return readJsonFile(config);
    return found.config ?? (fs.existsSync(beside) ? readJsonFile(beside) : {});
  };
  return { ...Object(read()), ...(heads !== undefined && { n_head: heads }) };
}

/** The characters or bytes of a tokenizer.json that this program exported: BPE without merges. */
function ownVocabulary(path: string): Vocabulary | undefined {
  const file = path.endsWith('.json') ? path : join(path, 'tokenizer.json');
  if (!fs.existsSync(file)) return undefined;
  const { model, pre_tokenizer: before, decoder } = Object(readJsonFile(file));
  const { vocab, merges } = Object(model);
  if (!Array.isArray(merges) || merges.length > 0) return undefined;
  const ids = Object.entries(Object(vocab) as Record<string, number>);
  if (Object(before).use_regex === false && ids.length === BYTES) return Vocabulary.bytes();
  if (Object(decoder).type !== 'Fuse') return undefined;
  const symbols = ids
    .sort(([, a], [, b]) => a - b)
    .map(([text]) => text)
    .join('');
  return Vocabulary.fromJson({ kind: 'characters', symbols });
}

/** What the tokens stand for: --tokenizer, what is beside the weights, or bytes. */
function knownOf(found: FoundFile, { tokenizer }: ImportValues, size: number): GptKnown {
  const has = (...names: string[]): boolean =>
    names.every((name) => fs.existsSync(join(found.directory, name)));
  const isBeside = has('tokenizer.json') || has('vocab.json', 'merges.txt');
  const path = tokenizer ?? (isBeside ? found.directory : undefined);
  if (path === undefined && size === BYTES)
    return { vocabulary: Vocabulary.bytes(), learned: null };
  if (path === undefined)
    throw new UsageError(
      `there is no tokenizer beside the weights, which have ${size} tokens`,
      'give --tokenizer tokenizer.json',
    );
  const vocabulary = ownVocabulary(path) ?? readTokenizer(path);
  if (vocabulary.size !== size)
    throw new UsageError(
      `tokenizer ${quote(path)} has ${vocabulary.size} tokens, the weights have ${size}`,
      'give the one that the model was trained with',
    );
  return { vocabulary, learned: null };
}

/** Sequences of the text, evenly spaced; without one, numbers that a formula gives. */
function calibrateWith(
  { text }: ImportValues,
  { vocabulary }: GptKnown,
  { vocab, context }: { vocab: number; context: number },
): Int32Array[] {
  const length = Math.min(TOKENS, context);
  if (text === undefined)
    return Array.from({ length: 2 }, (_, s) =>
      Int32Array.from({ length }, (_, t) => (s * 65537 + t * t * 31 + t * 7919) % vocab),
    );
  const tokens = vocabulary.encode(readTextFile(text), describeText(text));
  if (tokens.length === 0) throw new UsageError(`${describeText(text)} is empty`);
  const sequences = Math.min(SEQUENCES, Math.ceil(tokens.length / length));
  const step = Math.max(0, (tokens.length - length) / Math.max(1, sequences - 1));
  return Array.from({ length: sequences }, (_, s) => {
    const from = Math.floor(s * step);
    return tokens.slice(from, from + length);
  });
}

/** Throws RetrogradError if a value of the text left its range. */
function checkReport({ report }: Imported): void {
  const wrong = Object.entries(report?.saturated ?? {}).filter(([, channels]) => channels > 0);
  if (wrong.length === 0) return;
  const [[place, channels]] = wrong;
  throw new RetrogradError(
    `${channels} channels of ${place} leave their range, and ${wrong.length - 1} other places: ` +
      'these weights cannot be held',
  );
}

/** Values that the engine clamps on the sequences, each repeated until it fills the context
 *  (evaluations count them, predictions do not). */
function clampedOf(
  trainer: Trainer<TextBatch>,
  sequences: readonly Int32Array[],
  context: number,
): number {
  for (const sequence of sequences) {
    const tokenAt = (i: number): number => sequence[i % sequence.length];
    const inputs = Int32Array.from({ length: context }, (_, i) => tokenAt(i));
    const targets = Int32Array.from({ length: context }, (_, i) => tokenAt(i + 1));
    trainer.evaluate({ inputs, targets });
  }
  const { saturated, overflowed } = trainer.totals;
  return saturated + overflowed;
}

function checkOut(out: string | undefined): string {
  if (out === undefined)
    throw new UsageError(
      '--out is missing, expected the directory to write',
      'for instance --out run',
    );
  if (holdsCheckpoint(out))
    throw new UsageError(
      `${quote(checkpointPath(out))} exists, expected a directory without a run`,
      'choose another --out',
    );
  return out;
}

/** Errors of the weights, with the path in front. */
async function named<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    throw new CheckpointError(`${quote(path)}: ${error.message.split('. HINT: ')[0]}`, error.hint);
  }
}

/** The command: returns the exit code. */
export async function importModel(path: string, values: ImportValues): Promise<number> {
  const out = checkOut(values.out);
  const found = await named(path, () => foundSource(path));
  try {
    return await importFound(path, found, values, out);
  } finally {
    found.close();
  }
}

async function importFound(
  path: string,
  found: FoundFile,
  values: ImportValues,
  out: string,
): Promise<number> {
  const { source } = found;
  const config = configOf(found, values);
  const { options: seen } = await named(path, () => importGpt2(source, config));
  const { vocabulary: vocab, context, layers } = seen.model.config;
  const known = knownOf(found, values, vocab);
  const sequences = calibrateWith(values, known, { vocab, context });
  const isShown = values.json !== true && isLively();
  const line = (done: number): string =>
    barLine('calibrating', done / layers, [`${done} of ${layers} blocks`], terminalColumns());
  const bar = isShown ? new Bar(line, layers, 0) : undefined;
  const calibrate = { calibrate: sequences, onBlock: (done: number) => bar?.update(done) };
  const imported = await named(path, () => importGpt2(source, config, calibrate)).finally(() =>
    bar?.close(),
  );
  checkReport(imported);
  const trainer = createTrainer(
    { name: 'gpt' },
    checkTrainOptions({ ...imported.options, batch: 1, steps: STEPS }),
  );
  await named(path, () => imported.load(trainer));
  const saturated = clampedOf(trainer, sequences, context);
  const dataSha256 = await sha256Hex(new Uint8Array(0));
  const saved = { vocabulary: knownJson(known), dataSha256, float32: false };
  const home = RunDirectory.hold(out, '--out');
  try {
    for (const { file, bytes } of await encodeRun(trainer as Trainer<never>, saved))
      home.write(file, bytes);
  } finally {
    home.release();
  }
  tell(imported, trainer, { values, saturated, out });
  return saturated === 0 ? 0 : 1;
}

function tell(
  { report, options }: Imported,
  trainer: Trainer<TextBatch>,
  { values, saturated, out }: { values: ImportValues; saturated: number; out: string },
): void {
  const { parameters } = trainer;
  const digest = weightsSha256(trainer.tensors());
  const largest = Math.max(...Object.values(report?.largest ?? {}));
  const outliers = report?.outliers.reduce((a, b) => a + b, 0) ?? 0;
  if (values.json === true) {
    const { formats } = options.model.config;
    const found = {
      saturated,
      residual: report?.residual ?? 0,
      outliers,
      formats: formats ?? null,
    };
    printJson({ event: 'imported', out, parameters, ...found, weightsSha256: digest });
    return;
  }
  const rows = [
    ['parameters', count(parameters)],
    [
      'calibrated on',
      values.text === undefined ? 'numbers; better with --text' : oneLine(values.text),
    ],
    ['largest value', largest.toPrecision(4)],
    ['residual stream', `2^-${report?.residual ?? 0} of its values`],
    ['outlier neurons', count(outliers)],
    ['saturated', count(saturated)],
  ];
  print(table(rows));
  print(`\nin ${oneLine(out)}; SHA-256 of the weights:\n${digest}`);
  print(`\nto learn on: ${commandLine('train', 'gpt', '--init', pathWord(out), '--text', 'FILE')}`);
}
