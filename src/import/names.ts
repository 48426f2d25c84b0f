// GPT-2's tensors under the names that programs give them: Hugging Face (matrices [in, out]),
// nanoGPT and llm.c (the same names, matrices [out, in]), and this library's own. With or without
// `transformer.` in front, and `_orig_mod.` of a compiled model.

import { CheckpointError, UsageError } from '../core/errors.ts';
import type { ForeignModel } from './foreign.ts';
import {
  checkShape,
  checkTold,
  epsilonOf,
  hasBiases,
  headsOf,
  type Lookup,
  listed,
  numberOf,
  refuseUnknown,
  shapeOf as shapeIn,
  tableOf,
} from './lookup.ts';
import { type BlockShape, blockPaths, normPaths, type ParameterPath } from './paths.ts';
import type { TensorSource } from './pieces.ts';
import { recordOf } from './record.ts';

/** Shape of a GPT-2. */
export interface Gpt2Shape extends BlockShape {
  readonly vocabulary: number;
  readonly context: number;
  readonly tied: boolean;
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

/** Both tensors hold the same numbers: a head that is tied is stored twice by some programs. */
async function areEqual(source: TensorSource, a: string, b: string): Promise<boolean> {
  const others = source.pieces(b)[Symbol.asyncIterator]();
  for await (const { values } of source.pieces(a)) {
    const { value: other } = await others.next();
    if (!values.every((value, i) => value === other?.values[i])) return false;
  }
  return true;
}

const shapeAt = ({ table, named }: Lookup, path: string): readonly number[] =>
  shapeIn(table, named(path));

/** The shape that the tensors tell, and whether matrices are stored as [in, out]. */
async function shapeOf(at: Lookup): Promise<{ shape: Gpt2Shape; isTransposed: boolean }> {
  const { config, table, named } = at;
  const [rows, channels] = shapeAt(at, 'token.weight');
  let layers = 0;
  while (table.has(named(`block.${layers}.norm1.gain`))) layers++;
  const isTransposed = shapeAt(at, 'block.0.qkv.weight')[0] === channels; // [C, 3C]
  const biases = [...table.keys()].filter((name) => name.endsWith('.bias'));
  const shape = {
    vocabulary: numberOf(config, NAMES.vocabulary) ?? rows,
    context: shapeAt(at, 'position.weight')[0],
    layers,
    channels,
    heads: headsOf(at, 'n_head'),
    inner: shapeAt(at, 'block.0.up.weight')[isTransposed ? 1 : 0],
    bias: await hasBiases(at, biases, at.record?.config.bias as boolean | undefined),
    causal: true,
    tied: await isTied(at),
    epsilon: epsilonOf(config, ['layer_norm_epsilon', 'layer_norm_eps'], 1e-5),
  };
  checkTold(config, NAMES, shape);
  return { shape, isTransposed };
}

/** Looks at the names and shapes of a GPT-2. Throws CheckpointError for tensors that are missing,
 *  unknown or of another shape; UsageError for a configuration that is not GPT-2's or disagrees.
 */
export async function gpt2Source(
  source: TensorSource,
  given: object,
): Promise<ForeignModel<Gpt2Shape>> {
  const config = Object(given) as Record<string, unknown>;
  checkConfig(config);
  const table = tableOf(source, PREFIX, (name) => IGNORED.test(name));
  const isOwn = table.has('token.weight');
  const named = (path: string): string => (isOwn ? path : theirName(path));
  const record = recordOf(source, 'gpt');
  const at: Lookup = { source, config, table, named, record };
  const { shape, isTransposed } = await shapeOf(at);
  const known = new Set(['lm_head.weight', 'head.weight']);
  const paths = pathsOf(shape);
  for (const [path, wanted] of paths) {
    const stored = isTransposed && isMatrix(path) ? [...wanted].reverse() : wanted;
    checkShape(table, named(path), stored, /^(token|head)\./.test(path));
    known.add(named(path));
  }
  const isZero = (name: string): boolean => !shape.bias && name.endsWith('.bias');
  const isKnown = (name: string): boolean => known.has(name) || isZero(name);
  refuseUnknown(table, isKnown, 'GPT-2', 'is it another architecture, or an adapter?');
  return {
    source,
    shape,
    isTied: shape.tied,
    isPooled: false,
    record,
    paths,
    parts: (path, rows) => [
      {
        name: table.get(named(path))?.name ?? '',
        isTransposed: isTransposed && isMatrix(path),
        rows,
        firstRow: 0,
      },
    ],
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
    `tensors ${listed([own.name, token.name])} differ, and the configuration says that they are ` +
      'one',
    'to keep both: tie_word_embeddings: false',
  );
}

/** Paths and shapes of the parameters of such a GPT, in the order of forward. */
function pathsOf(shape: Gpt2Shape): ParameterPath[] {
  const { vocabulary: V, context: T, channels: C, tied } = shape;
  return [
    ['token.weight', [V, C]],
    ['position.weight', [T, C]],
    ...blockPaths(shape),
    ...normPaths('norm', shape),
    ...(tied ? [] : [['head.weight', [V, C]] as const]),
  ];
}
