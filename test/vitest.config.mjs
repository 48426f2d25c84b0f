// npx vitest run --config test/vitest.config.mjs; needs build/ (npm run build).
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { wasmBytes } from './helpers/wasm-plugin.mjs';

/** Half a minute of two processes and more, where shorter files have the same code run too. */
const LONG = [
  'test/bench/experiments.test.ts',
  'test/claims/events-page.test.ts',
  'test/cli/learn-on.test.ts',
  'test/cli/log.test.ts',
  'test/cli/lora.test.ts',
  'test/cli/output.test.ts',
  'test/cli/plot.test.ts',
  'test/cli/receipt-faults.test.ts',
  'test/cli/receipt-kinds.test.ts',
  'test/cli/shell.test.ts',
  'test/cli/terminal.test.ts',
  'test/cli/tokenizer.test.ts',
  'test/cli/translate.test.ts',
  'test/cli/vit.test.ts',
  'test/nats/crash-points.test.ts',
  'test/nats/proxy.test.ts',
  'test/nats/run.test.ts',
  'test/openness/openness.test.ts',
  'test/train/heap.test.ts',
];

export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  plugins: [wasmBytes()],
  test: {
    include: ['test/**/*.test.ts'],
    // npm run test:all runs what takes longer than npm test may
    exclude: process.env.RETROGRAD_TESTS === 'all' ? [] : LONG,
    pool: 'forks',
    // a process keeps the modules that it has read: 20 % of all time (44 files, processor time)
    isolate: false,
    maxWorkers: 2,
    // a test of the command line starts up to thirty processes: 20 s on an idle machine
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
