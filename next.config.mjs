import { defineConfig } from 'vitest/config';
import { wasmBytes } from './test/helpers/wasm-plugin.mjs';
export default defineConfig({ plugins: [wasmBytes()], test: { include: [process.env.T ?? 'next-check.test.ts'], testTimeout: 300000 } });
