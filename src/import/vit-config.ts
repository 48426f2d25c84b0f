// What a configuration and the shapes of tensors say of a vision transformer's images, and what of
// the family cannot be taken.

import { CheckpointError, UsageError } from '../core/errors.ts';
import { type Lookup, numberOf } from './lookup.ts';

/** Images and their patches, in pixels. */
export interface ImageGrid {
  readonly width: number;
  readonly height: number;
  readonly colours: number;
  readonly patch: number;
}

/** What a configuration calls the sizes that tensors tell too. */
export const NAMES = {
  layers: ['num_hidden_layers', 'layers'],
  channels: ['hidden_size', 'channels'],
  inner: ['intermediate_size'],
  patch: ['patch_size', 'patch'],
  colours: ['num_channels', 'colours'],
  classes: ['num_labels', 'classes'],
} as const;

const ACTIVATIONS = [undefined, null, 'gelu', 'gelu_new', 'gelu_pytorch_tanh', 'gelu_fast'];

/** Refuses what a vision transformer of the family can be and this library's cannot. */
export function checkVitConfig(config: Record<string, unknown>): void {
  const { model_type: type, hidden_act: activation } = config;
  if (type !== undefined && type !== 'vit')
    throw new UsageError(
      `the model is ${JSON.stringify(type)}, expected vit`,
      'ViTForImageClassification, and a DeiT without distillation that is saved as one',
    );
  if (!ACTIVATIONS.includes(activation as string))
    throw new UsageError(
      `its hidden_act is ${JSON.stringify(activation)}, expected gelu`,
      'an MLP with another activation function computes something else',
    );
}

/** [height, width] that a configuration tells. */
function sizeOf(config: Record<string, unknown>): readonly [number, number] | undefined {
  const { image_size: given } = config;
  if (Array.isArray(given)) {
    if (given.length === 2 && given.every((side) => Number.isSafeInteger(side) && side > 0))
      return given as [number, number];
    throw new UsageError(
      `image_size of the configuration is ${JSON.stringify(given)}, not a height and a width`,
      'for instance [224, 224]',
    );
  }
  const side = numberOf(config, ['image_size']);
  const [height, width] = [numberOf(config, ['height']), numberOf(config, ['width'])];
  if (side !== undefined) return [side, side];
  return height === undefined || width === undefined ? undefined : [height, width];
}

/** Colours and side of a patch: by the kernel [C, colours, P, P], or by the configuration where
 *  weights are this library's [C, P P colours]. */
function patchOf(config: Record<string, unknown>, kernel: readonly number[]) {
  if (kernel.length === 2) {
    const patch = numberOf(config, NAMES.patch);
    if (patch === undefined)
      throw new UsageError('the configuration has no patch', "give the run's configuration");
    return { patch, colours: numberOf(config, NAMES.colours) ?? kernel[1] / (patch * patch) };
  }
  const [, colours, patch, across] = kernel;
  if (kernel.length !== 4 || patch !== across || !(patch > 0))
    throw new CheckpointError(
      `its patches are projected by a kernel of shape [${kernel.join(', ')}], expected ` +
        '[channels, colours, patch, patch]',
      'patches are squares here',
    );
  return { patch, colours };
}

/** Images of a model that has positions for so many patches, and such a kernel. */
export function imageOf(
  { config, record }: Pick<Lookup, 'config' | 'record'>,
  patches: number,
  kernel: readonly number[],
): ImageGrid {
  const all = { ...record?.config, ...config };
  const { patch, colours } = patchOf(all, kernel);
  if (colours !== 1 && colours !== 2 && colours !== 3)
    throw new UsageError(
      `its images have ${colours} channels, expected 1 to 3`,
      'grey images have one, colour images three',
    );
  const side = Math.round(Math.sqrt(patches)) * patch;
  const [height, width] = sizeOf(all) ?? [side, side];
  if ((width / patch) * (height / patch) === patches) return { width, height, colours, patch };
  throw new UsageError(
    `it has positions for ${patches} patches, images of ${width} x ${height} have ` +
      `${(width / patch) * (height / patch)} of ${patch} x ${patch}`,
    'positions are not interpolated here: save the model at the size that it is to see',
  );
}

/** Throws UsageError for names of classes that are not as many as classes. */
export function checkLabels({ id2label }: Record<string, unknown>, classes: number): void {
  if (typeof id2label !== 'object' || id2label === null) return;
  const { length } = Object.keys(id2label);
  if (length !== classes)
    throw new UsageError(
      `the configuration's id2label has ${length} names, the classifier ${classes} classes`,
      'give the config.json that lies beside the weights',
    );
}
