// Starts the WebAssembly backend of tfjs on one thread: its own threads need a browser.

import * as tf from '@tensorflow/tfjs';
import { setThreadsCount, setWasmPaths } from '@tensorflow/tfjs-backend-wasm';

/** `folder`: where the backend's .wasm files are, a path that ends in a slash. */
export async function startTfjs(folder) {
  setWasmPaths(folder);
  setThreadsCount(1);
  await tf.setBackend('wasm');
  await tf.ready();
  if (tf.getBackend() !== 'wasm') throw new Error(`tfjs runs on its ${tf.getBackend()} backend`);
  if (!(await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT')))
    throw new Error('tfjs runs without SIMD');
}
