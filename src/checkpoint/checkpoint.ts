// A training run as one safetensors file: every int32 tensor (master weights, optimizer moments) and, in the metadata, what
// is needed to go on bit for bit: options, step, vocabulary, digest of the text. The first metadata field is the SHA-256 of
// the whole file with that field's digits set to zero, so no damage goes unnoticed. Pure: bytes in, bytes out.
// Format: docs/checkpoint-format.md.

import { list, properties, reading, show, text, typed } from '../core/check.ts';
import { hex, sha256 } from '../core/digest.ts';
import { CheckpointError } from '../errors.ts';
import { gptParameters } from '../models/gpt-config.ts';
import type { Parameter } from '../nn/parameters.ts';
import { type CheckedOptions, type TrainOptions, checkTrainOptions } from '../train/options.ts';
import { type NamedTensor, checkStep, checkTensors, readTensor } from '../train/tensors.ts';
import { int32FromLittleEndian, toLittleEndian } from './bytes.ts';
import { parseJson } from './json.ts';
import { type Container, PREFIX_BYTES, decodeSafetensors, encodeSafetensors, headerLengthOf } from './safetensors.ts';

/** A training run as a value: what a checkpoint file holds. */
export interface Checkpoint<Options = CheckedOptions> {
  /** Weights in table order, then the optimizer's moments. */
  tensors: NamedTensor[];
  /** The run's options, defaults filled in. */
  options: Options;
  /** Steps done. */
  step: number;
  /** What the model's numbers stand for, as JSON: of a GPT its vocabulary (data/vocabulary.ts). The checkpoint does not look inside. */
  vocabulary: unknown;
  /** SHA-256 of the training data, 64 hex digits. */
  dataSha256: string;
  /** Version of the library that wrote it. */
  libraryVersion: string;
}

/** What reading a checkpoint needs to know of a kind of model. */
export interface CheckpointKind<Config> {
  /** Fills in defaults; throws UsageError for the first value out of range. */
  check(options: TrainOptions<Config>): CheckedOptions<unknown>;
  /** The table of parameters. */
  parameters(model: Config): Parameter[];
}
/** By `options.model.kind`; a GPT has none and is read as 'gpt'. */
export type CheckpointKinds = Readonly<Record<string, CheckpointKind<never>>>;
export const GPT_KIND = { gpt: { check: checkTrainOptions, parameters: gptParameters } };

const FORMAT = 'retrograd-checkpoint';
/** The latest version; a reader refuses any later one. Version 1 has moments in units of the
 *  clipping norm: what has a norm of 1 is still written so. */
export const CHECKPOINT_VERSION = 2;

type Written = Checkpoint<Pick<TrainOptions, 'seed' | 'clip'>>;

const DIGEST_DIGITS = 64;
const HEADER_START = '{"__metadata__":{"sha256":"';
/** Byte offset of the digest: it is the first field, so the offset never changes. */
export const DIGEST_OFFSET = PREFIX_BYTES + HEADER_START.length;
const HEX = /^[0-9a-f]{64}$/;

/** Whether a tensor is a weight: every one is that is not of the optimizer.
 *  @example
 *  console.log(isWeight({ name: 'norm.gain' }), isWeight({ name: 'optimizer.m.norm.gain' })); // true false
 */
export const isWeight = (tensor: { name: string }): boolean =>
  !text('name', properties('tensor', tensor, ['name']).name).startsWith('optimizer.');

/** The file as bytes (safetensors; docs/checkpoint-format.md): the same bytes for the same value, on every machine. Throws CheckpointError for
 *  whatever `decodeCheckpoint` would refuse, and if it would be larger than MAX_CHECKPOINT_BYTES.
 *  @example
 *  const model = { vocabulary: 256, layers: 1, channels: 8, heads: 2, context: 4 };
 *  const trainer = GptTrainer.create({ model, batch: 1, steps: 10 });
 *  const file = await encodeCheckpoint({
 *    tensors: trainer.tensors(), options: trainer.options, step: trainer.steps,
 *    vocabulary: Vocabulary.bytes().toJson(), dataSha256: await sha256Hex(new Uint8Array(0)), libraryVersion: '0.1.0',
 *  });
 *  console.log(file.length, await sha256Hex(file)); // 38496 acf4c50b51af0687a13aeeb4cc47f978788db831a716cc04e56d382f903136e2
 */
export async function encodeCheckpoint(checkpoint: Written): Promise<Uint8Array<ArrayBuffer>> {
  return encodeKinds(checkpoint, GPT_KIND);
}

/** The same for the kinds of model in a table. */
export async function encodeKinds(checkpoint: Written, kinds: CheckpointKinds): Promise<Uint8Array<ArrayBuffer>> {
  const file = writeFile(checkpoint);
  read(decodeSafetensors(file), kinds); // what cannot be read is not written
  file.set(new TextEncoder().encode(hex(sha256([file]))), DIGEST_OFFSET);
  return file;
}

/** The file, its digest zeros. Throws UsageError for a value that is not like a checkpoint at all. */
function writeFile(checkpoint: Written): Uint8Array<ArrayBuffer> {
  return reading('the checkpoint', () => {
    const { options, step, vocabulary, dataSha256, libraryVersion } = checkpoint;
    const tensors = list('tensors', checkpoint.tensors, readTensor);
    return encodeSafetensors({
      metadata: {
        sha256: '0'.repeat(DIGEST_DIGITS),
        format: FORMAT,
        version: (options.clip ?? 1) === 1 ? '1' : String(CHECKPOINT_VERSION),
        library: libraryVersion,
        step: String(step),
        seed: String(options.seed),
        data: dataSha256,
        options: JSON.stringify(options),
        vocabulary: JSON.stringify(vocabulary),
        fractions: JSON.stringify(Object.fromEntries(tensors.map(({ name, fraction }) => [name, fraction]))),
      },
      tensors: tensors.map(({ name, shape, data }) => ({ name, dtype: 'I32' as const, shape, bytes: toLittleEndian(data) })),
    });
  });
}

/** The digest that is in the file and the one that it should be. */
function digests(file: Uint8Array): { stored: string; actual: string } {
  const digits = file.subarray(DIGEST_OFFSET, DIGEST_OFFSET + DIGEST_DIGITS), stored = new TextDecoder().decode(digits);
  digits.fill(0x30);
  return { stored, actual: hex(sha256([file])) };
}

const parse = (metadata: Record<string, string>, field: string): unknown => parseJson(metadata[field], `its field ${field}`);

type AnyOptions = CheckedOptions<unknown>;

/** The options, checked, and the parameters of their model. */
function readOptions(value: unknown, kinds: CheckpointKinds): { options: AnyOptions; table: Parameter[] } {
  const name: unknown = (value as { model?: { kind?: unknown } } | null)?.model?.kind ?? 'gpt', known = Object.keys(kinds);
  const kind = known.find((key) => key === name);
  if (kind === undefined) throw new CheckpointError(`its model is of the kind ${show(name)}, expected ${known.join(' or ')}`, "read it with 'retrograd/all', or update");
  let options: AnyOptions;
  try {
    options = kinds[kind].check(value as never) as AnyOptions;
  } catch (error) {
    throw new CheckpointError(`its options cannot be used: ${(error as Error).message}`);
  }
  return { options, table: kinds[kind].parameters(options.model as never) };
}

/** What the container of a checkpoint holds, digest and version aside. */
function read({ tensors: raw, metadata }: Container, kinds: CheckpointKinds): Checkpoint<CheckedOptions<unknown>> {
  for (const field of ['library', 'step', 'seed', 'data', 'options', 'vocabulary', 'fractions'])
    if (!Object.hasOwn(metadata, field)) throw new CheckpointError(`its field ${field} is missing`);
  const { library: libraryVersion, data: dataSha256, seed } = metadata;
  if (!HEX.test(dataSha256)) throw new CheckpointError('its field data is not a SHA-256');
  const { options, table } = readOptions(parse(metadata, 'options'), kinds);
  if (seed !== String(options.seed)) throw new CheckpointError(`its seed ${seed} is not the ${options.seed} of its options`);
  const step = /^\d+$/.test(metadata.step) ? Number(metadata.step) : NaN;
  checkStep(step, metadata.step);
  const fractions = new Map(Object.entries((parse(metadata, 'fractions') ?? {}) as object));
  const tensors = raw.map(({ name, dtype, shape, bytes }): NamedTensor => {
    if (dtype !== 'I32') throw new CheckpointError(`tensor ${name} is ${dtype}, expected I32`);
    return { name, shape, data: int32FromLittleEndian(bytes), fraction: fractions.get(name) };
  });
  return { tensors: checkTensors(tensors, table), options, step, vocabulary: parse(metadata, 'vocabulary'), dataSha256, libraryVersion };
}

/** A file's content; the tensors are views of one copy of it. Nothing in the file is trusted: throws CheckpointError with the reason if it is
 *  truncated, damaged (its SHA-256 differs), of a newer format, or not a checkpoint, or if a tensor of its model is missing or has numbers
 *  that no run can have. Time and memory: docs/limits.md.
 *  @example
 *  const model = { vocabulary: 256, layers: 1, channels: 8, heads: 2, context: 4 };
 *  const trainer = GptTrainer.create({ model, batch: 1, steps: 10 });
 *  const file = await encodeCheckpoint({
 *    tensors: trainer.tensors(), options: trainer.options, step: trainer.steps,
 *    vocabulary: Vocabulary.bytes().toJson(), dataSha256: await sha256Hex(new Uint8Array(0)), libraryVersion: '0.1.0',
 *  });
 *  const { tensors, options, step, vocabulary } = await decodeCheckpoint(file);
 *  const resumed = GptTrainer.create(options);
 *  resumed.restore(tensors, step);
 *  console.log(await resumed.weightsSha256() === await trainer.weightsSha256(), vocabulary); // true { kind: 'bytes' }
 *  file[file.length - 1] ^= 1;
 *  const error = await decodeCheckpoint(file).catch((thrown) => thrown);
 *  console.log(error.message.slice(0, 20)); // damaged: its SHA-256
 */
export async function decodeCheckpoint(file: Uint8Array): Promise<Checkpoint> {
  return (await decodeKinds(file, GPT_KIND)) as Checkpoint;
}

/** The same for the kinds of model in a table. */
export async function decodeKinds(file: Uint8Array, kinds: CheckpointKinds): Promise<Checkpoint<CheckedOptions<unknown>>> {
  headerLengthOf(typed('file', file, 'Uint8Array'));
  const copy = new Uint8Array(file), container = decodeSafetensors(copy), { metadata } = container; // threads may share the caller's
  const start = new TextDecoder().decode(copy.subarray(PREFIX_BYTES, DIGEST_OFFSET));
  if (metadata.format !== FORMAT || start !== HEADER_START) throw new CheckpointError('a safetensors file, but not a retrograd checkpoint');
  if (!/^[1-9]\d{0,8}$/.test(metadata.version)) throw new CheckpointError(`its version is ${show(metadata.version)}, expected ${CHECKPOINT_VERSION}`);
  if (Number(metadata.version) > CHECKPOINT_VERSION)
    throw new CheckpointError(`its format has version ${metadata.version}, this library reads up to ${CHECKPOINT_VERSION}`, `written by retrograd ${metadata.library}; update`);
  const { stored, actual } = digests(copy);
  if (stored !== actual) throw new CheckpointError(`damaged: its SHA-256 is ${actual}, written was ${stored}`);
  const checkpoint = read(container, kinds), { tensors, options: { clip } } = checkpoint;
  if (metadata.version === '1' && clip !== 'none') tensors.forEach((t) => toUnit(t, clip));
  return checkpoint;
}

/** Brings a moment that is in units of the clipping norm to units of a power of two. */
function toUnit(tensor: NamedTensor, clip: number): void {
  if (isWeight(tensor)) return;
  let unit = 1;
  for (; unit < clip; tensor.fraction--) unit *= 2;
  for (; unit >= 2 * clip; tensor.fraction++) unit /= 2;
  if (unit !== clip) tensor.data.forEach((v, i, data) => { data[i] = v * (clip / unit); });
}
