// A vision transformer's tensors under the names of Hugging Face's ViTForImageClassification, with
// or without `vit.` in front, and this library's own.

import { UsageError } from '../core/errors.ts';
import type { ForeignModel } from './foreign.ts';
import {
  checkShape,
  checkTold,
  epsilonOf,
  hasBiases,
  headsOf,
  type Lookup,
  refuseUnknown,
  shapeOf,
  tableOf,
} from './lookup.ts';
import { type BlockShape, blockPaths, normPaths, type ParameterPath } from './paths.ts';
import type { TensorSource } from './pieces.ts';
import { ownPixels, pixelsOf } from './pixels.ts';
import type { Part } from './recipe.ts';
import { recordOf } from './record.ts';
import { checkLabels, checkVitConfig, type ImageGrid, imageOf, NAMES } from './vit-config.ts';
import { patchPlacing } from './vit-patches.ts';

/** Shape of a vision transformer. */
export interface VitShape extends BlockShape, ImageGrid {
  readonly classes: number;
  readonly headBias: boolean;
}

/** Our names of a block's tensors, and theirs. */
const BLOCK: Readonly<Record<string, string>> = {
  norm1: 'layernorm_before',
  projection: 'attention.output.dense',
  norm2: 'layernorm_after',
  up: 'intermediate.dense',
  down: 'output.dense',
};
const QKV = ['query', 'key', 'value'];
const PREFIX = /^(?:_orig_mod\.)?(?:vit\.)?/;
const EMBEDDINGS = 'embeddings';
const PROJECTION = `${EMBEDDINGS}.patch_embeddings.projection`;
/** What ViTForImageClassification has no use for, and its program leaves out too. */
const IGNORED = /^(?:pooler\.dense\.(?:weight|bias)|embeddings\.mask_token)$/;

/** Their name of one of our parameters; of queries, keys and values `which`. */
function theirName(path: string, which = 'query'): string {
  const kind = path.endsWith('.bias') ? 'bias' : 'weight';
  const [head, layer, name] = path.split('.');
  const others: Record<string, string> = {
    patch: `${PROJECTION}.${kind}`,
    class: `${EMBEDDINGS}.cls_token`,
    position: `${EMBEDDINGS}.position_embeddings`,
    norm: `layernorm.${kind}`,
    head: `classifier.${kind}`,
  };
  if (head !== 'block') return others[head];
  const inner = name === 'qkv' ? `attention.attention.${which}` : BLOCK[name];
  return `encoder.layer.${layer}.${inner}.${kind}`;
}

/** Their names of one of our parameters. */
const theirNames = (path: string): string[] =>
  path.includes('.qkv.') ? QKV.map((which) => theirName(path, which)) : [theirName(path)];

/** Their shape of one of our parameters, or of each part. */
function theirShape(path: string, shape: readonly number[], image: ImageGrid): readonly number[] {
  const { colours, patch } = image;
  if (path === 'patch.weight') return [shape[0], colours, patch, patch];
  if (/^(class|position)\./.test(path)) return [1, ...shape];
  return path.includes('.qkv.') ? [shape[0] / 3, ...shape.slice(1)] : shape;
}

const NO_CLASSES =
  'a ViTModel has no classes: fine-tune it as a ViTForImageClassification, and save that';

/** Whether this library wrote the file, under whatever names. */
const isOurs = ({ record, table }: Lookup): boolean =>
  record !== undefined || table.has('patch.weight');

/** The shape that tensors and configuration tell. */
async function shapeOfAll(at: Lookup): Promise<VitShape> {
  const { config, table, named } = at;
  const [classes] = shapeOf(table, named('head.weight'), NO_CLASSES);
  const positions = shapeOf(table, named('position.weight'));
  const [channels, rows] = [positions.at(-1) ?? 0, positions.at(-2) ?? 0];
  const image = imageOf(at, rows - 1, shapeOf(table, named('patch.weight')));
  let layers = 0;
  while (table.has(named(`block.${layers}.norm1.gain`))) layers++;
  const recorded = at.record?.config as { bias?: boolean; headBias?: boolean } | undefined;
  const biases = [...table.keys()].filter((name) => name.endsWith('.bias'));
  const ofHead = biases.filter((name) => name === named('head.bias'));
  const others = biases.filter((name) => name !== named('head.bias'));
  const shape = {
    ...image,
    layers,
    channels,
    heads: headsOf(at, 'num_attention_heads'),
    inner: shapeOf(table, named('block.0.up.weight'))[0],
    bias: await hasBiases(at, others, recorded?.bias),
    headBias: await hasBiases(at, ofHead, recorded && (recorded.headBias ?? false)),
    epsilon: epsilonOf(config, ['layer_norm_eps'], isOurs(at) ? 1e-5 : 1e-12),
    causal: false,
    classes,
  };
  checkTold(config, NAMES, shape);
  checkLabels(config, classes);
  return shape;
}

/** Paths and shapes of the parameters, in the order of forward. */
function pathsOf(shape: VitShape): ParameterPath[] {
  const { width, height, colours, patch, channels: C, classes, bias, headBias } = shape;
  const rows = 1 + (width / patch) * (height / patch);
  return [
    ['patch.weight', [C, patch * patch * colours]],
    ...(bias ? [['patch.bias', [C]] as const] : []),
    ['class.weight', [1, C]],
    ['position.weight', [rows, C]],
    ...blockPaths(shape),
    ...normPaths('norm', shape),
    ['head.weight', [classes, C]],
    ...(headBias ? [['head.bias', [classes]] as const] : []),
  ];
}

/** Throws unless every tensor is there, has its shape, and is known. */
function checkTensors(at: Lookup, shape: VitShape, paths: readonly ParameterPath[]): void {
  const { table, config } = at;
  const isOwn = table.has('patch.weight');
  const known = new Set<string>();
  for (const [path, sides] of paths) {
    const names = isOwn ? [path] : theirNames(path);
    const isLeftOut = config.qkv_bias === false && path.endsWith('.qkv.bias');
    if (isLeftOut && !names.some((name) => table.has(name))) continue;
    for (const name of names) {
      checkShape(table, name, isOwn ? sides : theirShape(path, sides, shape));
      known.add(name);
    }
  }
  const isZero = (name: string): boolean =>
    name.endsWith('.bias') && (name === at.named('head.bias') ? !shape.headBias : !shape.bias);
  const isKnown = (name: string): boolean => known.has(name) || isZero(name);
  const hint = 'is it another architecture, has it another head, or is it an adapter?';
  refuseUnknown(table, isKnown, 'ViTForImageClassification', hint);
}

/** The parts of a parameter: queries, keys and values are three of another program's. */
function partsOf({ table }: Lookup, path: string, rows: number): Part[] {
  const names = table.has('patch.weight') ? [path] : theirNames(path);
  return names.flatMap((short, i) => {
    const name = table.get(short)?.name;
    const count = rows / names.length;
    if (name === undefined) return []; // queries, keys and values without a bias: zeros
    return [{ name, isTransposed: false, rows: count, firstRow: i * count }];
  });
}

/** Looks at the names and shapes of a vision transformer. `preprocessor`: what makes pixels of
 *  bytes, preprocessor_config.json (that of this library's file, or of ViTImageProcessor). Throws
 *  CheckpointError for tensors that are missing, unknown or of another shape; UsageError for a
 *  configuration that is not ViT's or disagrees. */
export async function vitSource(
  source: TensorSource,
  given: object,
  preprocessor: object | undefined,
): Promise<ForeignModel<VitShape>> {
  const config = Object(given) as Record<string, unknown>;
  checkVitConfig(config);
  const all = tableOf(source, PREFIX, () => false);
  if (all.has(`${EMBEDDINGS}.distillation_token`))
    throw new UsageError(
      'it has a distillation token, expected a class token alone',
      'take the DeiT that was trained without distillation',
    );
  const table = all.has('classifier.weight')
    ? tableOf(source, PREFIX, (name) => IGNORED.test(name))
    : all;
  const named = (path: string): string => (table.has('patch.weight') ? path : theirName(path));
  const at: Lookup = { source, config, table, named, record: recordOf(source, 'vit') };
  const told = await shapeOfAll(at);
  const { colours } = told;
  const pixels =
    preprocessor === undefined && isOurs(at)
      ? ownPixels(colours)
      : pixelsOf(Object(preprocessor ?? {}) as object, colours);
  const shape = { ...told, bias: told.bias || pixels.offset.some((value) => value !== 0) };
  const paths = pathsOf(shape);
  checkTensors(at, shape, paths);
  const [part] = partsOf(at, 'patch.weight', shape.channels);
  const kernel = { source, part, image: shape, isOurs: table.has('patch.weight') };
  const { weight, bias } = await patchPlacing(kernel, pixels);
  const placings: Record<string, typeof weight> = { 'patch.weight': weight, 'patch.bias': bias };
  return {
    source,
    shape,
    isTied: false,
    isPooled: true,
    record: at.record,
    paths,
    parts: (path, rows) => partsOf(at, path, rows),
    placing: (path) => placings[path],
  };
}
