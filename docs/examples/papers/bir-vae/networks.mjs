// The network that BIR-VAE is shown with.

import { defineModel } from 'retrograd';
import { autoencoder, autoencoding } from '../autoencoder.mjs';
import { noisy } from '../latent.mjs';
import { deviationOf, discrepancy } from './model.mjs';

/** Sets of `rows` digits through a channel of `bits` a digit; without them the channel is free of
 *  noise. */
export const channel = defineModel('channel', ({ rows, dimensions, bits, weight, widths }) => ({
  ...autoencoder({
    rows,
    codes: dimensions,
    channel: {
      before: [noisy({ deviation: bits === undefined ? 0 : deviationOf(bits, dimensions) })],
      inside: [],
    },
    loss: autoencoding({ weight, penalty: discrepancy(widths) }),
  }),
}));
