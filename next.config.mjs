import { defineConfig } from 'vitest/config';
import { wasmBytes } from './test/helpers/wasm-plugin.mjs';
export default defineConfig({ plugins: [wasmBytes()], test: { include: ['next-check.test.ts'], testTimeout: 300000 } });
