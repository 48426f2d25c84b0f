// The entries beside the main one that use the library by its public names: src/NAME/index.ts
// becomes dist/NAME.js, which imports index.js, and dist/worker-NAME.js, which imports worker.js.
// package.json names them; whatever must know them asks here.
import { readFileSync } from 'node:fs';

const { exports } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

/** In the order of package.json: verify, ... */
export const ENTRIES = Object.entries(exports)
  .filter(([path, { workerd }]) => path !== '.' && workerd !== undefined)
  .map(([path]) => path.slice('./'.length));
