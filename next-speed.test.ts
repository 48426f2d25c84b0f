import { test } from 'vitest';
import { GptTrainer } from './src/all.ts';
import { buildNext } from './next-check.test.ts';
test('speed', () => {
  for (const [model, batch, reversible, n] of [
    [{ vocabulary: 96, layers: 6, channels: 128, heads: 4, context: 128 }, 8, 'none', 12],
    [{ vocabulary: 96, layers: 6, channels: 128, heads: 4, context: 128 }, 8, 'bdia', 12],
    [{ vocabulary: 96, layers: 4, channels: 384, heads: 6, context: 256 }, 4, 'bdia', 5],
  ] as any[]) {
    const t = GptTrainer.create({ model, batch, steps: 1000, reversible });
    const nx = buildNext('gpt', t.options);
    const T = model.context;
    const x = Int32Array.from({ length: batch * T }, (_, i) => (i * 7919) % 96);
    const a: number[] = [], b: number[] = [], ratios: number[] = [];
    for (let i = 0; i < 15 + n; i++) {
      let t0 = performance.now(); t.trainStep(x, x); const ta = performance.now() - t0;
      t0 = performance.now(); nx.step({ inputs: x, targets: x }); const tb = performance.now() - t0;
      if (i >= 15) { a.push(ta); b.push(tb); ratios.push(tb / ta); }
    }
    const med = (v: number[]) => v.sort((p, q) => p - q)[v.length >> 1].toFixed(3);
    console.log(JSON.stringify(model), reversible, 'old', med(a), 'new', med(b), 'ratio', med(ratios));
  }
});
