// The networks that VCAE is shown with, of one size.

import { defineModel } from 'retrograd';
import { autoencoder, autoencoding } from '../autoencoder.mjs';
import { noisy } from '../latent.mjs';
import { variance } from './model.mjs';
import { divergence, sampled } from './vae.mjs';

/** Latents of a total variance of `dimensions`, with noise of such a deviation in it. */
export const constrained = defineModel('constrained', ({ rows, dimensions, deviation, weight }) =>
  autoencoder({
    rows,
    codes: dimensions,
    channel: { before: [noisy({ deviation })], inside: [] },
    loss: autoencoding({ weight, penalty: variance(dimensions) }),
  }),
);

/** A variational autoencoder whose decoder's output has unit variance: half the squared error of a
 *  digit plus its divergence is 32 times the mean squared error of 64 pixels plus that. */
export const variational = defineModel('variational', ({ rows, dimensions }) =>
  autoencoder({
    rows,
    codes: 2 * dimensions,
    channel: { before: [], inside: [sampled()] },
    loss: autoencoding({ weight: 1 / 32, penalty: divergence }),
  }),
);
