// What is exported: the weights of a trainer or of a checkpoint, checked, and what is known of
// them.

import { list, MAX_LENGTH, properties, reading, show, text, typed, whole } from '../core/check.ts';
import { hex, sha256 } from '../core/digest.ts';
import { CheckpointError, UsageError } from '../core/errors.ts';
import {
  type ImportedGptConfig,
  type ImportedVitConfig,
  isWeight,
  mergeAdapter,
  type NamedTensor,
  type PlainModel,
  withoutFormats,
} from '../index.ts';
import { elements, filled, type Values, weights } from './values.ts';

/** What can be exported: a Trainer, what `decodeCheckpoint` gave, or these of its properties. */
export interface ExportSource {
  /** The model, by name and configuration. */
  readonly options: { readonly model: { readonly name: string; readonly config: unknown } };
  /** Its weights; what an optimizer keeps is left out. */
  readonly tensors: readonly NamedTensor[] | (() => readonly NamedTensor[]);
  /** What its numbers stand for, where the options of the export have no vocabulary. */
  readonly vocabulary?: unknown;
}

/** Most fraction bits of a tensor. */
const MOST_FRACTION = 64;

function readWeight(what: string, value: unknown): NamedTensor {
  const keys = ['name', 'shape', 'data', 'fraction'] as const;
  const { name, shape, data, fraction } = properties(what, value as NamedTensor, keys);
  return {
    name: text(`the name of ${what}`, name),
    shape: list(`the shape of ${what}`, shape, (side, n) => whole(side, n, 0, 2 ** 31 - 1)),
    data: typed(`the data of ${what}`, data, 'Int32Array', 0, MAX_LENGTH),
    fraction: whole(`the fraction of ${what}`, fraction, 0, MOST_FRACTION),
  };
}

/** The weights of a model, an adapter merged into them. */
export class Source {
  /** Of the model's definition. */
  readonly model: string;
  config: object;
  readonly vocabulary: unknown;
  /** In the order of forward. */
  readonly weights: readonly NamedTensor[];
  /** Of its layer norms. */
  readonly epsilon: number;
  /** The weights are the integers of the model: no formats were undone (withoutFormats). */
  readonly isExact: boolean;
  private masters: readonly NamedTensor[];
  private digest: string | undefined;

  constructor(given: ExportSource) {
    const keys = ['options', 'tensors', 'vocabulary'] as const;
    const source = properties('the source', given, keys);
    const { model } = properties('the options', source.options, ['model']);
    const { name, config } = properties('the model', model, ['name', 'config']);
    this.model = text("the model's name", name);
    this.config = Object(config) as object;
    this.vocabulary = source.vocabulary;
    const { tensors } = source;
    const all =
      typeof tensors === 'function' ? reading('tensors()', () => tensors.call(given)) : tensors;
    this.masters = list('tensors', all, readWeight).filter(isWeight);
    this.merge();
    const plain = this.plain();
    this.isExact = plain === undefined;
    this.weights = plain?.tensors ?? this.masters;
    this.config = plain?.config ?? this.config;
    this.epsilon = plain?.epsilon ?? 1e-5;
  }

  /** An adapter becomes a part of the weights: no other program has it. */
  private merge(): void {
    const { model, config, masters } = this;
    const { adapter, ...rest } = reading('the configuration', () => ({
      ...(config as ImportedGptConfig),
    }));
    if (adapter === undefined) return;
    this.masters = mergeAdapter({ options: { model: { name: model, config } }, tensors: masters });
    this.config = rest;
  }

  /** Without the formats of imported weights, if it has some. */
  private plain(): PlainModel<object> | undefined {
    const config = this.config as ImportedGptConfig | ImportedVitConfig;
    if (this.model !== 'gpt' && this.model !== 'vit') return undefined;
    const { formats } = properties('the configuration', config, ['formats']);
    if (formats === undefined) return undefined;
    return withoutFormats(config, this.masters);
  }

  /** Number of weights. */
  get parameters(): number {
    return this.weights.reduce((sum, { data }) => sum + data.length, 0);
  }

  /** SHA-256 of the weights, as `weightsSha256` of a trainer. */
  sha256(): string {
    this.digest ??= this.digestNow();
    return this.digest;
  }

  private digestNow(): string {
    const bytesOf = ({ data }: NamedTensor): Uint8Array =>
      new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return hex(sha256(this.masters.map(bytesOf)));
  }

  /** A weight of the model. Throws CheckpointError if it is not there, or of another shape. */
  weight(name: string, ...shape: number[]): NamedTensor {
    const found = this.weights.find((one) => one.name === name);
    if (found === undefined) throw new CheckpointError(`tensor ${name} is missing`);
    const sides = found.shape.join(', ');
    if (sides !== shape.join(', ') || found.data.length !== elements(shape))
      throw new CheckpointError(
        `tensor ${name} has shape [${sides}] and ${found.data.length} elements, expected ` +
          `[${shape.join(', ')}]`,
      );
    return found;
  }

  /** A bias of `size`; zeros for a model without biases. */
  bias(name: string, size: number): Values {
    const { bias } = this.config as { bias?: unknown };
    return bias === true ? weights(this.weight(name, size)) : filled(size);
  }

  /** Throws UsageError if the model at inference is not the plain network that others compute. */
  checkRule(): void {
    checkRuleOf(this.config);
  }
}

/** The same, of a configuration. */
export function checkRuleOf(config: object): void {
  const { rule } = config as { rule?: { name?: unknown } };
  const name: unknown = rule?.name;
  if (name === 'bdia' || name === 'plain') return;
  throw new UsageError(
    `the model was trained with the update rule ${show(name)}, expected bdia or plain: it is ` +
      'another network at inference, which no other program computes',
    'exportSafetensors (--to safetensors) takes it; docs/reversibility.md has its equations',
  );
}
