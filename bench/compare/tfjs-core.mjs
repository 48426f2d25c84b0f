// The least of tfjs that trains: its core with gradients and chained operations, without the CPU
// and WebGL backends, layers, data and converter of the whole package. size.mjs bundles it in place
// of @tensorflow/tfjs.

import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.js';
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';

export * from '@tensorflow/tfjs-core';
