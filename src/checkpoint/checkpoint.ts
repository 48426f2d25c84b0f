// A training run as one safetensors file: every int32 tensor (master weights, optimizer moments)
// and, in the metadata, what is needed to go on bit for bit: options, step, vocabulary, digest of
// the text. The first metadata field is the SHA-256 of the whole file with that field's digits set
// to zero, so no damage goes unnoticed. Pure: bytes in, bytes out. Format:
// docs/checkpoint-format.md.

import { callback, fields, list, reading, show, typed } from '../core/check.ts';
import { hex, sha256 } from '../core/digest.ts';
import { CheckpointError } from '../core/errors.ts';
import { builtinChoices, builtinModels } from '../models/builtin.ts';
import type { AnyDefinition, Makers } from '../models/define.ts';
import type { CheckedOptions } from '../train/options.ts';
import { keptOptions } from '../train/options-data.ts';
import { tableOf } from '../train/plan.ts';
import {
  checkStep,
  checkTensors,
  isWeight,
  type NamedTensor,
  readTensor,
} from '../train/tensors.ts';
import { int32FromLittleEndian, toLittleEndian } from './bytes.ts';
import { parseJson } from './json.ts';
import {
  type Container,
  decodeSafetensors,
  encodeSafetensors,
  headerLengthOf,
  PREFIX_BYTES,
} from './safetensors.ts';
import { readOptions } from './versions.ts';

/** A training run as a value: what a checkpoint file holds. */
export interface Checkpoint {
  /** Weights in the order of forward, then what the optimizer keeps. */
  tensors: NamedTensor[];
  /** The run's options, defaults filled in. */
  options: CheckedOptions;
  /** Steps done. */
  step: number;
  /** What the model's numbers stand for, as JSON: of a GPT its vocabulary (data/vocabulary.ts). The
   *  checkpoint does not look inside. */
  vocabulary: unknown;
  /** SHA-256 of the training data, 64 hex digits. */
  dataSha256: string;
  /** SHA-256 of the weights that the run began with, if they were another run's, 64 hex digits. */
  initSha256?: string | undefined;
  /** Version of the library that wrote it. */
  libraryVersion: string;
}

/** What a checkpoint may be of: the models, and the update rules, optimizers and schedules by name.
 *  What comes with the library is always known; of one name, yours goes before it. */
export interface CheckpointReader {
  /** Definitions of your own. */
  models?: readonly AnyDefinition[] | undefined;
  /** Makers of your own, by name. */
  choices?: Makers | undefined;
}

const FORMAT = 'retrograd-checkpoint';
/** The latest version; a reader refuses any later one. Version 1 has moments in units of the
 *  clipping norm. Versions 1 and 2 have flat options (versions.ts). */
export const CHECKPOINT_VERSION = 3;

const DIGEST_DIGITS = 64;
const HEADER_START = '{"__metadata__":{"sha256":"';
/** Byte offset of the digest: it is the first field, so the offset never changes. */
export const DIGEST_OFFSET = PREFIX_BYTES + HEADER_START.length;
const HEX = /^[0-9a-f]{64}$/;

/** The file as bytes (safetensors; docs/checkpoint-format.md): the same bytes for the same value,
 *  on every machine. Throws CheckpointError for whatever `decodeCheckpoint` would refuse, and if it
 *  would be larger than MAX_CHECKPOINT_BYTES. `reader`: models and choices of your own.
 *  @example
 *  const model = gpt({ vocabulary: 4, layers: 1, channels: 4, heads: 1, context: 4 });
 *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
 *  const dataSha256 = await sha256Hex(new Uint8Array(0));
 *  const about = { vocabulary: null, dataSha256, libraryVersion: '0.1.0' };
 *  const { options, steps: step } = trainer;
 *  const file = await encodeCheckpoint({ tensors: trainer.tensors(), options, step, ...about });
 *  console.log((await decodeCheckpoint(file)).options.model.name); // gpt
 */
export async function encodeCheckpoint(
  checkpoint: Checkpoint,
  reader: CheckpointReader = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const file = writeFile(checkpoint);
  read(decodeSafetensors(file), reader); // what cannot be read is not written
  file.set(new TextEncoder().encode(hex(sha256([file]))), DIGEST_OFFSET);
  return file;
}

/** The file, its digest zeros. Throws UsageError for a value that is not like a checkpoint at all.
 */
function writeFile(checkpoint: Checkpoint): Uint8Array<ArrayBuffer> {
  return reading('the checkpoint', () => {
    const { options, step, vocabulary, dataSha256, initSha256, libraryVersion } = checkpoint;
    const tensors = list('tensors', checkpoint.tensors, readTensor);
    const fractions = tensors.map(({ name, fraction }) => [name, fraction]);
    return encodeSafetensors({
      metadata: {
        sha256: '0'.repeat(DIGEST_DIGITS),
        format: FORMAT,
        version: String(CHECKPOINT_VERSION),
        library: libraryVersion,
        step: String(step),
        seed: String(options.seed),
        data: dataSha256,
        ...(initSha256 === undefined ? {} : { init: initSha256 }),
        options: keptOptions(options),
        vocabulary: JSON.stringify(vocabulary),
        fractions: JSON.stringify(Object.fromEntries(fractions)),
      },
      tensors: tensors.map(({ name, shape, data }) => ({
        name,
        dtype: 'I32' as const,
        shape,
        bytes: toLittleEndian(data),
      })),
    });
  });
}

/** The digest that is in the file and the one that it should be. */
function digests(file: Uint8Array): { stored: string; actual: string } {
  const digits = file.subarray(DIGEST_OFFSET, DIGEST_OFFSET + DIGEST_DIGITS);
  const stored = new TextDecoder().decode(digits);
  digits.fill(0x30);
  return { stored, actual: hex(sha256([file])) };
}

const parse = (metadata: Record<string, string>, field: string): unknown =>
  parseJson(metadata[field], `its field ${field}`);

const FIELDS = ['library', 'step', 'seed', 'data', 'options', 'vocabulary', 'fractions'];

const READER: Required<CheckpointReader> = { models: [], choices: {} };

/** What the container of a checkpoint holds, digest and version aside. */
function read({ tensors: raw, metadata }: Container, reader: CheckpointReader): Checkpoint {
  for (const field of FIELDS)
    if (!Object.hasOwn(metadata, field)) throw new CheckpointError(`its field ${field} is missing`);
  const { library: libraryVersion, data: dataSha256, init: initSha256, seed, version } = metadata;
  for (const field of ['data', 'init'])
    if (Object.hasOwn(metadata, field) && !HEX.test(metadata[field]))
      throw new CheckpointError(`its field ${field} is not a SHA-256`);
  const { models: more, choices: others } = fields('the reader', reader, READER);
  const ownModels = list('models', more, (name, own) => callback(name, own as AnyDefinition));
  const models = [...ownModels, ...builtinModels()];
  const choices = { ...builtinChoices(), ...reading('choices', () => ({ ...others })) };
  const options = readOptions(parse(metadata, 'options'), Number(version), models, choices);
  if (seed !== String(options.seed))
    throw new CheckpointError(`its seed ${seed} is not the ${options.seed} of its options`);
  const step = /^\d+$/.test(metadata.step) ? Number(metadata.step) : NaN;
  checkStep(step, metadata.step);
  const fractions = new Map(Object.entries((parse(metadata, 'fractions') ?? {}) as object));
  const tensors = raw.map(({ name, dtype, shape, bytes }): NamedTensor => {
    if (dtype !== 'I32') throw new CheckpointError(`tensor ${name} is ${dtype}, expected I32`);
    return { name, shape, data: int32FromLittleEndian(bytes), fraction: fractions.get(name) };
  });
  return {
    tensors: checkTensors(tensors, tableOf(options)),
    options,
    step,
    vocabulary: parse(metadata, 'vocabulary'),
    dataSha256,
    ...(initSha256 === undefined ? {} : { initSha256 }),
    libraryVersion,
  };
}

/** A file's content; the tensors are views of one copy of it. Nothing in the file is trusted:
 *  throws CheckpointError with the reason if it is truncated, damaged (its SHA-256 differs), of a
 *  newer format, or not a checkpoint, or if a tensor of its model is missing or has numbers that no
 *  run can have. Time and memory: docs/limits.md.
 *  @example
 *  const model = gpt({ vocabulary: 256, layers: 1, channels: 8, heads: 2, context: 4 });
 *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
 *  const dataSha256 = await sha256Hex(new Uint8Array(0));
 *  const about = { vocabulary: Vocabulary.bytes().toJson(), dataSha256, libraryVersion: '0.1.0' };
 *  const run = { tensors: trainer.tensors(), options: trainer.options, step: trainer.steps };
 *  const file = await encodeCheckpoint({ ...run, ...about });
 *  const { tensors, options, step, vocabulary } = await decodeCheckpoint(file);
 *  const resumed = Trainer.create(options);
 *  resumed.restore(tensors, step);
 *  const sha256 = await resumed.weightsSha256();
 *  console.log(sha256 === (await trainer.weightsSha256()), vocabulary); // true { kind: 'bytes' }
 *  file[file.length - 1] ^= 1;
 *  const error = await decodeCheckpoint(file).catch((thrown) => thrown);
 *  console.log(error.message.slice(0, 20)); // damaged: its SHA-256
 */
export async function decodeCheckpoint(
  file: Uint8Array,
  reader: CheckpointReader = {},
): Promise<Checkpoint> {
  headerLengthOf(typed('file', file, 'Uint8Array'));
  const copy = new Uint8Array(file); // threads may share the caller's
  const container = decodeSafetensors(copy);
  const { metadata } = container;
  const start = new TextDecoder().decode(copy.subarray(PREFIX_BYTES, DIGEST_OFFSET));
  if (metadata.format !== FORMAT || start !== HEADER_START)
    throw new CheckpointError('a safetensors file, but not a retrograd checkpoint');
  checkVersion(metadata);
  const { stored, actual } = digests(copy);
  if (stored !== actual)
    throw new CheckpointError(`damaged: its SHA-256 is ${actual}, written was ${stored}`);
  const checkpoint = read(container, reader);
  const { clip } = checkpoint.options;
  if (metadata.version === '1' && clip !== 'none')
    for (const tensor of checkpoint.tensors) toUnit(tensor, clip);
  return checkpoint;
}

function checkVersion({ version, library }: Record<string, string>): void {
  if (!/^[1-9]\d{0,8}$/.test(version))
    throw new CheckpointError(`its version is ${show(version)}, expected ${CHECKPOINT_VERSION}`);
  if (Number(version) > CHECKPOINT_VERSION)
    throw new CheckpointError(
      `its format has version ${version}, this library reads up to ${CHECKPOINT_VERSION}`,
      `written by retrograd ${library}; update`,
    );
}

/** Brings a moment that is in units of the clipping norm to units of a power of two. */
function toUnit(tensor: NamedTensor, clip: number): void {
  if (isWeight(tensor)) return;
  let unit = 1;
  for (; unit < clip; tensor.fraction--) unit *= 2;
  for (; unit >= 2 * clip; tensor.fraction++) unit /= 2;
  if (unit !== clip)
    tensor.data.forEach((v, i, data) => {
      data[i] = v * (clip / unit);
    });
}
