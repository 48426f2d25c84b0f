// npm run fuzz:lockstep -- [--calls N] [--seed S] [--build release|checked] [--configuration I]
// Trains random configurations until N kernel calls have been repeated by the reference; stops at
// the first difference. With --configuration that one alone. test/helpers/lockstep.ts says what is
// compared.

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { createWasmBackend } from '../../src/kernels/wasm.ts';
import { Difference, Lockstep, train } from '../helpers/lockstep.ts';

const text = { type: 'string' } as const;
const { values } = parseArgs({
  options: { calls: text, seed: text, build: text, configuration: text },
});
const calls = Number(values.calls ?? 1_000_000);
const seed = Number(values.seed ?? 1);
const build = values.build === 'checked' ? 'checked' : 'release';
const bytes = new Uint8Array(readFileSync(`build/${build}.wasm`));
const started = performance.now();
const lockstep = new Lockstep((size) =>
  createWasmBackend({ build, bytes, pages: Math.ceil(size / 65536) }),
);
const outcomes = new Map<string, number>();
let number = Number(values.configuration ?? 0);
let reported = 0;

try {
  do {
    const outcome = train(lockstep, seed, number++);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    if (lockstep.total - reported >= 50_000) {
      reported = lockstep.total;
      console.log(
        `${reported} calls, ${number} configurations, ` +
          `${Math.round((performance.now() - started) / 1000)} s`,
      );
    }
  } while (lockstep.total < calls && values.configuration === undefined);
  for (const [name, count] of [...lockstep.calls].sort())
    console.log(`${name.padEnd(28)} ${count}`);
  console.log(JSON.stringify(Object.fromEntries(outcomes)));
  console.log(
    `lockstep, ${build}: ${lockstep.total} calls of ${lockstep.calls.size} kernels, ` +
      `seed ${seed}: 0 different`,
  );
} catch (error) {
  if (!(error instanceof Difference)) throw error;
  console.log(
    `${error.message}\n  again: npm run fuzz:lockstep -- ` +
      `--build ${build} --seed ${seed} --configuration ${number - 1}`,
  );
  console.log(`lockstep, ${build}: 1 different in ${lockstep.total} calls`);
  process.exitCode = 1;
}
