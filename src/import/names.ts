// GPT-2's tensors under the names that programs give them: Hugging Face (matrices [in, out]),
// nanoGPT and llm.c (the same names, matrices [out, in]), and this library's own. With or without
// `transformer.` in front, and `_orig_mod.` of a compiled model.

import { CheckpointError, UsageError } from '../core/errors.ts';
import type { TensorSource } from './pieces.ts';
import type { Part } from './recipe.ts';
import { type ExportRecord, recordOf } from './record.ts';

/** Shape of a GPT-2. */
export interface Gpt2Shape {
  vocabulary: number;
  context: number;
  layers: number;
  channels: number;
  heads: number;
  /** Width of the MLP. */
  inner: number;
  bias: boolean;
  tied: boolean;
  epsilon: number;
}

/** A GPT-2 in a source: its shape, and what fills each parameter. */
export interface Gpt2Source {
  readonly source: TensorSource;
  readonly shape: Gpt2Shape;
  /** What an export of this library says of itself. */
  readonly record: ExportRecord | undefined;
  /** The one part of a parameter. Throws for a path that it has not. */
  part(path: string, rows: number): Part;
}

/** Our names of a block's tensors, and theirs. */
const BLOCK: Readonly<Record<string, string>> = {
  norm1: 'ln_1',
  qkv: 'attn.c_attn',
  projection: 'attn.c_proj',
  norm2: 'ln_2',
  up: 'mlp.c_fc',
  down: 'mlp.c_proj',
};
/** What others keep beside weights: the mask. */
const IGNORED = /^h\.\d+\.attn\.(?:bias|masked_bias)$/;
const PREFIX = /^(?:_orig_mod\.)?(?:transformer\.)?/;

/** Their name of one of our parameters, without a prefix. */
function theirName(path: string): string {
  const kind = path.endsWith('.bias') ? 'bias' : 'weight';
  const [head, layer, layerName] = path.split('.');
  if (head === 'block') return `h.${layer}.${BLOCK[layerName]}.${kind}`;
  const others: Record<string, string> = {
    token: 'wte',
    position: 'wpe',
    norm: 'ln_f',
    head: 'lm_head',
  };
  return `${others[head]}.${kind}`;
}

const list = (names: readonly string[]): string =>
  names
    .slice(0, 4)
    .map((name) => JSON.stringify(name))
    .join(', ') + (names.length > 4 ? ` and ${names.length - 4} more` : '');

/** A number of a configuration under any of its names. */
function numberOf(config: Record<string, unknown>, keys: readonly string[]): number | undefined {
  for (const key of keys) {
    const value = config[key];
    if (value === undefined || value === null) continue;
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    throw new UsageError(`${key} of the configuration is ${JSON.stringify(value)}, not a number`);
  }
  return undefined;
}

const NAMES = {
  vocabulary: ['vocab_size', 'vocabulary'],
  context: ['n_positions', 'n_ctx', 'block_size', 'context'],
  layers: ['n_layer', 'num_hidden_layers', 'layers'],
  channels: ['n_embd', 'hidden_size', 'channels'],
  inner: ['n_inner'],
} as const;

/** Refuses what a GPT-2 of the family can be asked to do and this library's cannot. */
function checkConfig(config: Record<string, unknown>): void {
  const { model_type: type, activation_function: activation } = config;
  if (type !== undefined && type !== 'gpt2')
    throw new UsageError(
      `the model is ${JSON.stringify(type)}, expected gpt2`,
      'GPT-2, distilgpt2, DialoGPT, Cerebras-GPT, nanoGPT and llm.c have that architecture',
    );
  const known = [undefined, null, 'gelu', 'gelu_new', 'gelu_pytorch_tanh', 'gelu_fast'];
  if (!known.includes(activation as string))
    throw new UsageError(
      `its activation_function is ${JSON.stringify(activation)}, expected gelu or gelu_new`,
    );
  if (config.scale_attn_weights === false || config.scale_attn_by_inverse_layer_idx === true)
    throw new UsageError('its attention is not scaled by 1 / sqrt(head size) alone');
  if (config.add_cross_attention === true) throw new UsageError('it has cross-attention');
}

/** Their tensors by the name without prefix. */
function tableOf(source: TensorSource): Map<string, { name: string; shape: readonly number[] }> {
  const table = new Map<string, { name: string; shape: readonly number[] }>();
  for (const { name, shape } of source.tensors) {
    const short = name.replace(PREFIX, '');
    if (IGNORED.test(short)) continue;
    if (table.has(short))
      throw new CheckpointError(`tensors ${list([table.get(short)?.name ?? '', name])} are one`);
    table.set(short, { name, shape });
  }
  return table;
}

/** Both tensors hold the same numbers: a head that is tied is stored twice by some programs. */
async function areEqual(source: TensorSource, a: string, b: string): Promise<boolean> {
  const others = source.pieces(b)[Symbol.asyncIterator]();
  for await (const { values } of source.pieces(a)) {
    const { value: other } = await others.next();
    if (!values.every((value, i) => value === other?.values[i])) return false;
  }
  return true;
}

/** What is looked up while a source is read. */
interface Lookup {
  readonly source: TensorSource;
  readonly config: Record<string, unknown>;
  readonly table: ReadonlyMap<string, { name: string; shape: readonly number[] }>;
  /** Their name of one of our paths. */
  named(path: string): string;
  /** What an export of this library says of itself. */
  readonly record: ExportRecord | undefined;
}

function shapeAt({ table, named }: Lookup, path: string): readonly number[] {
  const found = table.get(named(path));
  if (found !== undefined) return found.shape;
  throw new CheckpointError(
    `tensor ${JSON.stringify(named(path))} is missing`,
    `the source has ${list([...table.keys()])}`,
  );
}

function headsOf(config: Record<string, unknown>): number {
  const heads = numberOf(config, ['n_head', 'num_attention_heads', 'heads']);
  if (heads !== undefined) return heads;
  throw new UsageError(
    'the configuration has no n_head',
    'give config.json, or { n_head }: tensors do not tell the number of heads',
  );
}

/** The shape that the tensors tell, and whether matrices are stored as [in, out]. */
async function shapeOf(at: Lookup): Promise<{ shape: Gpt2Shape; isTransposed: boolean }> {
  const { config, table, named } = at;
  const [rows, channels] = shapeAt(at, 'token.weight');
  let layers = 0;
  while (table.has(named(`block.${layers}.norm1.gain`))) layers++;
  const isTransposed = shapeAt(at, 'block.0.qkv.weight')[0] === channels; // [C, 3C]
  const shape = {
    vocabulary: numberOf(config, NAMES.vocabulary) ?? rows,
    context: shapeAt(at, 'position.weight')[0],
    layers,
    channels,
    heads: headsOf({ ...at.record?.config, ...config }),
    inner: shapeAt(at, 'block.0.up.weight')[isTransposed ? 1 : 0],
    bias: await hasBiases(at),
    tied: await isTied(at),
    epsilon: numberOf(config, ['layer_norm_epsilon', 'layer_norm_eps']) ?? 1e-5,
  };
  for (const key of Object.keys(NAMES) as (keyof typeof NAMES)[]) {
    const told = numberOf(config, NAMES[key]);
    if (told !== undefined && told !== shape[key])
      throw new UsageError(
        `the configuration's ${NAMES[key][0]} is ${told}, the tensors' is ${shape[key]}`,
      );
  }
  return { shape, isTransposed };
}

/** Whether there are biases. An export of a model without has zeros for them. */
async function hasBiases({ source, table, record }: Lookup): Promise<boolean> {
  const biases = [...table].filter(([name]) => name.endsWith('.bias'));
  if (record?.config.bias !== false) return biases.length > 0;
  for (const [, { name }] of biases)
    for await (const { values } of source.pieces(name))
      if (values.some((value) => value !== 0)) return true;
  return false;
}

/** Throws unless a tensor has its shape. Of an embedding there may be more rows than tokens. */
function checkShape(at: Lookup, path: string, expected: readonly number[]): void {
  const has = shapeAt(at, path);
  const isPadded = /^(token|head)\./.test(path) && has[0] > expected[0];
  const rest = isPadded ? [has[0], ...expected.slice(1)] : expected;
  if (has.join() === rest.join()) return;
  throw new CheckpointError(
    `tensor ${JSON.stringify(at.named(path))} has shape [${has.join(', ')}], expected ` +
      `[${expected.join(', ')}]`,
  );
}

/** Looks at the names and shapes of a GPT-2. Throws CheckpointError for tensors that are missing,
 *  unknown or of another shape; UsageError for a configuration that is not GPT-2's or disagrees.
 */
export async function gpt2Source(source: TensorSource, given: object): Promise<Gpt2Source> {
  const config = Object(given) as Record<string, unknown>;
  checkConfig(config);
  const table = tableOf(source);
  const isOwn = table.has('token.weight');
  const named = (path: string): string => (isOwn ? path : theirName(path));
  const record = recordOf(source);
  const at: Lookup = { source, config, table, named, record };
  const { shape, isTransposed } = await shapeOf(at);
  const known = new Set(['lm_head.weight', 'head.weight']);
  for (const [path, wanted] of pathsOf(shape)) {
    checkShape(at, path, isTransposed && isMatrix(path) ? [...wanted].reverse() : wanted);
    known.add(named(path));
  }
  const isZero = (name: string): boolean => !shape.bias && name.endsWith('.bias');
  const isUnknown = ([name]: [string, unknown]): boolean => !known.has(name) && !isZero(name);
  const unknown = [...table].filter(isUnknown).map(([, { name }]) => name);
  if (unknown.length > 0)
    throw new CheckpointError(
      `no GPT-2 has ${unknown.length === 1 ? 'tensor' : 'tensors'} ${list(unknown)}`,
      'is it another architecture, or an adapter?',
    );
  return {
    source,
    shape,
    record,
    part: (path, rows) => ({
      name: table.get(named(path))?.name ?? '',
      isTransposed: isTransposed && isMatrix(path),
      rows,
      firstRow: 0,
    }),
  };
}

/** What Hugging Face keeps as Conv1D. */
const isMatrix = (path: string): boolean => /\.(qkv|projection|up|down)\.weight$/.test(path);

/** Whether the head is the token embedding. A head that is stored beside it may be a copy. */
async function isTied({ source, config, table, named }: Lookup): Promise<boolean> {
  const told = config.tie_word_embeddings ?? config.tied;
  const own = table.get(named('head.weight'));
  const token = table.get(named('token.weight'));
  if (own === undefined || token === undefined) {
    if (told !== false) return true;
    throw new CheckpointError(
      `tensor ${JSON.stringify(named('head.weight'))} is missing`,
      'its configuration has tie_word_embeddings: false',
    );
  }
  if (told === false) return false;
  const isCopy = await areEqual(source, own.name, token.name);
  if (isCopy || told === undefined) return isCopy;
  throw new CheckpointError(
    `tensors ${list([own.name, token.name])} differ, and the configuration says that they are one`,
    'to keep both: tie_word_embeddings: false',
  );
}

/** Paths and shapes of the parameters of such a GPT, in the order of forward. */
export function pathsOf(shape: Gpt2Shape): [string, number[]][] {
  const { vocabulary: V, context: T, layers, channels: C, inner: M, bias, tied } = shape;
  const norm = (name: string): [string, number[]][] => [
    [`${name}.gain`, [C]],
    ...(bias ? [[`${name}.bias`, [C]] as [string, number[]]] : []),
  ];
  const matrix = (name: string, out: number, into: number): [string, number[]][] => [
    [`${name}.weight`, [out, into]],
    ...(bias ? [[`${name}.bias`, [out]] as [string, number[]]] : []),
  ];
  const blocks = Array.from({ length: layers }, (_, k) => [
    ...norm(`block.${k}.norm1`),
    ...matrix(`block.${k}.qkv`, 3 * C, C),
    ...matrix(`block.${k}.projection`, C, C),
    ...norm(`block.${k}.norm2`),
    ...matrix(`block.${k}.up`, M, C),
    ...matrix(`block.${k}.down`, C, M),
  ]);
  return [
    ['token.weight', [V, C]],
    ['position.weight', [T, C]],
    ...blocks.flat(),
    ...norm('norm'),
    ...(tied ? [] : [['head.weight', [V, C]] as [string, number[]]]),
  ];
}
