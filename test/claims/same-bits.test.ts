// README: the same seed and data give the same weights, byte for byte. Short runs against the
// golden digests, on every back end. `npm run golden` is the one command that rewrites
// test/golden/runs.json; a change needs its reason in the changelog.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Backend } from '../../src/kernels/kernels.ts';
import { createReferenceBackend } from '../../src/kernels/reference/index.ts';
import { createWasmBackend } from '../../src/kernels/wasm.ts';
import { MODEL_RUNS, modelRun } from '../helpers/golden-models.ts';
import { GOLDEN_OPTIONS, type GoldenRun, goldenRun } from '../helpers/golden-runs.ts';
import { withReference } from '../helpers/int8.ts';

const read = (file: string): Buffer => readFileSync(new URL(`../../${file}`, import.meta.url));
const golden = JSON.parse(read('test/golden/runs.json').toString()) as Record<string, GoldenRun>;

const models = JSON.parse(read('test/golden/models.json').toString()) as Record<string, string>;

const BACKENDS: Record<Backend['name'], ((bytes: number) => Backend) | undefined> = {
  release: undefined, // the default
  checked: (bytes) =>
    createWasmBackend({
      build: 'checked',
      bytes: new Uint8Array(read('build/checked.wasm')),
      pages: Math.ceil(bytes / 65536) + 16,
    }),
  reference: (bytes) => withReference(createReferenceBackend(bytes)),
};

/** The reference has kernels for the layout of the baseline ones. */
const backendsOf = (name: string): Backend['name'][] =>
  (Object.keys(BACKENDS) as Backend['name'][]).filter(
    (backend) => backend !== 'reference' || GOLDEN_OPTIONS[name].run.int8 !== 'relaxed',
  );

describe('same bits', () => {
  test(
    `test/golden/runs.json holds exactly the ${Object.keys(GOLDEN_OPTIONS).length} runs of ` +
      'test/helpers/golden-runs.ts',
    () => {
      expect(Object.keys(golden)).toEqual(Object.keys(GOLDEN_OPTIONS));
      for (const { weightsSha256 } of Object.values(golden))
        expect(weightsSha256).toMatch(/^[0-9a-f]{64}$/);
      // by either kernels one run is the same; all others differ
      const byEither = 'none, int8, context 139';
      expect(golden[`${byEither}, baseline kernels`]).toEqual(golden[byEither]);
      expect(new Set(Object.values(golden).map((run) => run.weightsSha256)).size).toBe(
        Object.keys(golden).length - 1,
      );
    },
  );

  for (const name of Object.keys(GOLDEN_OPTIONS))
    test.each(backendsOf(name))(
      `${name}, ${GOLDEN_OPTIONS[name].steps} steps: loss and SHA-256 of the weights are the ` +
        'published ones on the %s back end',
      async (backend) => {
        expect(await goldenRun(name, BACKENDS[backend])).toEqual(golden[name]);
      },
    );

  test(
    'the vision transformer and the translator have a digest for every rule; checkpointing has ' +
      'that of none, all others their own',
    () => {
      expect(Object.keys(models)).toEqual([...MODEL_RUNS]);
      for (const model of ['vit', 'translator'])
        expect(models[`${model}, checkpointing`]).toBe(models[`${model}, none`]);
      expect(new Set(Object.values(models)).size).toBe(MODEL_RUNS.length - 2);
    },
  );

  for (const backend of Object.keys(BACKENDS) as Backend['name'][])
    test.each(MODEL_RUNS)(
      `%s, 3 steps: SHA-256 of the weights is the published one on the ${backend} back end`,
      async (name) => {
        expect(await modelRun(name, BACKENDS[backend])).toBe(models[name]);
      },
    );
});
