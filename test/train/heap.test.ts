// What a step leaves behind on the JavaScript heap, in a process of its own that runs the built
// library: inside a test runner the engine's own bookkeeping is larger than any leak. Short-lived
// objects are not counted: they are gone after a collection.

import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

const library = new URL('../../dist/index.js', import.meta.url).href;

/** Mean heap growth, in bytes, of 15 stretches of `steps` steps after 300 of warm-up; `leak`
 *  numbers kept at every step. The engine's own bookkeeping comes and goes by up to 100 kB between
 *  two stretches, which a mean from first to last divides by 15. */
function growth(layers: number, channels: number, steps: number, leak = 0): number {
  const script = `
    import { Trainer, gpt } from '${library}';
    const sizes = { layers: ${layers}, channels: ${channels}, heads: 2, context: 24 };
    const model = gpt({ vocabulary: 29, ...sizes });
    const trainer = Trainer.create({ model, batch: 3, steps: 5000 });
    const tokens = Int32Array.from({ length: 73 }, (_, i) => i % 29), kept = [];
    const run = (n) => {
      for (let i = 0; i < n; i++) {
        trainer.step({ inputs: tokens.subarray(0, 72), targets: tokens.subarray(1) });
        if (${leak}) kept.push(new Array(${leak}).fill(0.5));
      }
    };
    const used = () => { gc(); gc(); return process.memoryUsage().heapUsed; };
    run(300);
    const before = used();
    for (let i = 0; i < 15; i++) run(${steps});
    console.log((used() - before) / 15, kept.length);`;
  return Number(
    execFileSync(process.execPath, ['--expose-gc', '--input-type=module', '--eval', script], {
      encoding: 'utf8',
    }).split(' ')[0],
  );
}

test('60 steps keep under 24 KiB of heap, at depth 2, and at 16 with 30 times the weights', () => {
  for (const [layers, channels] of [
    [2, 16],
    [16, 32],
  ]) {
    const grown = growth(layers, channels, 60);
    console.log(`heap at depth ${layers}: 60 steps keep ${grown} bytes`);
    expect(grown).toBeLessThan(24 * 1024);
  }
});

test('a leak of 100 numbers a step would be seen', () => {
  expect(growth(2, 16, 60, 100)).toBeGreaterThan(24 * 1024);
});
