// Vite's counterpart of esbuild's binary loader: `import bytes from './x.wasm'` gives a Uint8Array.
import { readFileSync } from 'node:fs';

export const wasmBytes = () => ({
  name: 'wasm-bytes',
  enforce: 'pre',
  load(id) {
    if (!id.endsWith('.wasm')) return undefined;
    const base64 = readFileSync(id).toString('base64');
    return `export default new Uint8Array(Buffer.from('${base64}', 'base64'));`;
  },
});
