// A training run as one safetensors file: every int32 tensor (master weights, optimizer moments) and, in the metadata, what
// is needed to go on bit for bit: options, step, vocabulary, digest of the text. The first metadata field is the SHA-256 of
// the whole file with that field's digits set to zero, so no damage goes unnoticed. Pure: bytes in, bytes out.
// Format: docs/checkpoint-format.md.

import { hex, sha256 } from '../core/digest.ts';
import { CheckpointError } from '../errors.ts';
import { gptParameters } from '../models/gpt-config.ts';
import type { Parameter } from '../nn/parameters.ts';
import { type CheckedOptions, type TrainOptions, checkTrainOptions } from '../train/options.ts';
import type { NamedTensor } from '../train/trainer.ts';
import { int32FromLittleEndian, toLittleEndian } from './bytes.ts';
import { PREFIX_BYTES, decodeSafetensors, encodeSafetensors } from './safetensors.ts';

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
/** Written; a reader refuses any later version. */
export const CHECKPOINT_VERSION = 1;
/** Most bytes of a checkpoint file: Node's file reading ends at 2^31 - 1. */
export const MAX_CHECKPOINT_BYTES = 2 ** 31 - 1;

const DIGEST_DIGITS = 64;
const HEADER_START = '{"__metadata__":{"sha256":"';
/** Byte offset of the digest: it is the first field, so the offset never changes. */
export const DIGEST_OFFSET = PREFIX_BYTES + HEADER_START.length;
const HEX = /^[0-9a-f]{64}$/;

/** Whether a tensor is a weight: every one is that is not of the optimizer.
 *  @example
 *  console.log(isWeight({ name: 'norm.gain' }), isWeight({ name: 'optimizer.m.norm.gain' })); // true false
 */
export const isWeight = ({ name }: { name: string }): boolean => !name.startsWith('optimizer.');

/** The file as bytes (safetensors; docs/checkpoint-format.md): the same bytes for the same value, on every machine. Throws CheckpointError if
 *  it would be larger than MAX_CHECKPOINT_BYTES.
 *  @example
 *  const model = { vocabulary: 256, layers: 1, channels: 8, heads: 2, context: 4 };
 *  const trainer = GptTrainer.create({ model, batch: 1, steps: 10 });
 *  const file = await encodeCheckpoint({
 *    tensors: trainer.tensors(), options: trainer.options, step: trainer.steps,
 *    vocabulary: Vocabulary.bytes().toJson(), dataSha256: await sha256Hex(new Uint8Array(0)), libraryVersion: '0.1.0',
 *  });
 *  console.log(file.length, await sha256Hex(file)); // 38496 acf4c50b51af0687a13aeeb4cc47f978788db831a716cc04e56d382f903136e2
 */
export async function encodeCheckpoint(checkpoint: Checkpoint<{ readonly seed: number }>): Promise<Uint8Array> {
  const { tensors, options, step } = checkpoint;
  const size = tensors.reduce((sum, { data }) => sum + data.byteLength, 0);
  if (size > MAX_CHECKPOINT_BYTES) throw new CheckpointError(`the checkpoint would have ${size} bytes, at most ${MAX_CHECKPOINT_BYTES} can be written`);
  const file = encodeSafetensors({
    metadata: {
      sha256: '0'.repeat(DIGEST_DIGITS),
      format: FORMAT,
      version: String(CHECKPOINT_VERSION),
      library: checkpoint.libraryVersion,
      step: String(step),
      seed: String(options.seed),
      data: checkpoint.dataSha256,
      options: JSON.stringify(options),
      vocabulary: JSON.stringify(checkpoint.vocabulary),
      fractions: JSON.stringify(Object.fromEntries(tensors.map(({ name, fraction }) => [name, fraction]))),
    },
    tensors: tensors.map(({ name, shape, data }) => ({ name, dtype: 'I32' as const, shape, bytes: toLittleEndian(data) })),
  });
  file.set(new TextEncoder().encode(hex(sha256([file]))), DIGEST_OFFSET);
  return file;
}

/** The digest that is in the file and the one that it should be. */
function digests(file: Uint8Array): { stored: string; actual: string } {
  const end = DIGEST_OFFSET + DIGEST_DIGITS;
  const zeros = new Uint8Array(DIGEST_DIGITS).fill(0x30);
  const parts = [file.subarray(0, DIGEST_OFFSET), zeros, file.subarray(end)];
  return { stored: new TextDecoder().decode(file.subarray(DIGEST_OFFSET, end)), actual: hex(sha256(parts)) };
}

function parse(metadata: Record<string, string>, field: string): unknown {
  try {
    return JSON.parse(metadata[field]);
  } catch {
    throw new CheckpointError(`its field ${field} is not JSON`);
  }
}

type AnyOptions = CheckedOptions<unknown>;

/** The options, checked, and the parameters of their model. */
function readOptions(value: unknown, kinds: CheckpointKinds): { options: AnyOptions; table: Parameter[] } {
  const name: unknown = (value as { model?: { kind?: unknown } } | null)?.model?.kind ?? 'gpt', known = Object.keys(kinds);
  const kind = known.find((key) => key === name);
  if (kind === undefined) throw new CheckpointError(`its model is of the kind ${JSON.stringify(name)}, expected ${known.join(' or ')}`, "read it with 'retrograd/all', or update");
  let options: AnyOptions;
  try {
    options = kinds[kind].check(value as never) as AnyOptions;
  } catch (error) {
    throw new CheckpointError(`its options cannot be used: ${error instanceof Error ? error.message : String(error)}`);
  }
  return { options, table: kinds[kind].parameters(options.model as never) };
}

function readStep(metadata: Record<string, string>, options: AnyOptions): number {
  const step = /^\d{1,10}$/.test(metadata.step) ? Number(metadata.step) : -1;
  if (step < 0 || step > options.steps) throw new CheckpointError(`its step is ${JSON.stringify(metadata.step)}, expected 0 to ${options.steps}`);
  if (metadata.seed !== String(options.seed)) throw new CheckpointError(`its seed ${metadata.seed} is not the ${options.seed} of its options`);
  return step;
}

/** Throws CheckpointError unless every parameter of the model is there with its shape. */
function checkWeights(tensors: readonly NamedTensor[], table: readonly Parameter[]): void {
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  for (const { name, shape } of table) {
    const tensor = byName.get(name);
    if (tensor === undefined) throw new CheckpointError(`tensor ${name} is missing`);
    if (tensor.shape.join() !== shape.join())
      throw new CheckpointError(`tensor ${name} has shape [${tensor.shape.join(', ')}], expected [${shape.join(', ')}]`);
  }
  const weights = tensors.filter(isWeight);
  if (weights.length > table.length) {
    const known = new Set(table.map(({ name }) => name));
    throw new CheckpointError(`tensor ${weights.find(({ name }) => !known.has(name))?.name} is not one of the model's`);
  }
}

/** A file's content; the tensors are copies. Nothing in the file is trusted: throws CheckpointError with the reason if it is truncated,
 *  damaged (its SHA-256 differs), of a newer format, or not a checkpoint, or if a weight of its model is missing.
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

/** The same for the kinds of model in a table. It waits for nothing: between digest and copies the bytes stay the same. */
export async function decodeKinds(file: Uint8Array, kinds: CheckpointKinds): Promise<Checkpoint<CheckedOptions<unknown>>> {
  const { tensors: raw, metadata } = decodeSafetensors(file);
  const start = new TextDecoder().decode(file.subarray(PREFIX_BYTES, DIGEST_OFFSET));
  if (metadata.format !== FORMAT || start !== HEADER_START) throw new CheckpointError('a safetensors file, but not a retrograd checkpoint');
  if (!/^[1-9]\d{0,8}$/.test(metadata.version)) throw new CheckpointError(`its version is ${JSON.stringify(metadata.version)}, expected ${CHECKPOINT_VERSION}`);
  if (Number(metadata.version) > CHECKPOINT_VERSION)
    throw new CheckpointError(`its format has version ${metadata.version}, this library reads up to ${CHECKPOINT_VERSION}`, `written by retrograd ${metadata.library}; update`);
  const { stored, actual } = digests(file);
  if (stored !== actual) throw new CheckpointError(`damaged: its SHA-256 is ${actual}, written was ${stored}`);
  for (const field of ['library', 'step', 'seed', 'data', 'options', 'vocabulary', 'fractions'])
    if (!Object.hasOwn(metadata, field)) throw new CheckpointError(`its field ${field} is missing`);
  if (!HEX.test(metadata.data)) throw new CheckpointError('its field data is not a SHA-256');
  const { options, table } = readOptions(parse(metadata, 'options'), kinds);
  const fractions = new Map(Object.entries((parse(metadata, 'fractions') ?? {}) as object));
  const tensors = raw.map(({ name, dtype, shape, bytes }): NamedTensor => {
    const fraction: unknown = fractions.get(name);
    if (dtype !== 'I32') throw new CheckpointError(`tensor ${name} is ${dtype}, expected I32`);
    if (!Number.isInteger(fraction) || Math.abs(fraction as number) > 64) throw new CheckpointError(`tensor ${name} has no number of fraction bits`);
    return { name, shape, data: int32FromLittleEndian(bytes), fraction: fraction as number };
  });
  checkWeights(tensors, table);
  return { tensors, options, step: readStep(metadata, options), vocabulary: parse(metadata, 'vocabulary'), dataSha256: metadata.data, libraryVersion: metadata.library };
}
