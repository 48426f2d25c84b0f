import { test, expect } from 'vitest';
import { GptTrainer, TranslatorTrainer } from './src/all.ts';
import { Trainer } from './src/next/train/trainer.ts';
import { gpt } from './src/next/models/gpt.ts';
import { translator } from './src/next/models/translator.ts';
import { defineModel } from './src/next/models/define.ts';
import { features } from './src/next/layers/features.ts';
import { linear } from './src/next/layers/linear.ts';
import { relu } from './src/next/layers/relu.ts';
import { gelu } from './src/next/layers/gelu.ts';
import { meanSquaredError } from './src/next/loss/mean-squared-error.ts';
import { crossEntropy } from './src/next/loss/cross-entropy.ts';
import { sgd } from './src/next/optim/sgd.ts';
import { lion } from './src/next/optim/lion.ts';
import { adamw } from './src/next/optim/adamw.ts';
import { cosine } from './src/next/optim/schedule.ts';
import { optionsFromData, optionsToData } from './src/next/train/member.ts';
import { builtinChoices, builtinModels } from './src/next/models/builtin.ts';
test('README digest', async () => {
  const text = 'she sells sea shells by the sea shore. '.repeat(60);
  const tokens = Int32Array.from(new TextEncoder().encode(text));
  const model = gpt({ vocabulary: 128, layers: 4, channels: 32, heads: 4, context: 16 });
  const trainer = Trainer.create({ model, batch: 8, steps: 100, learningRate: cosine(0.003, { warmup: 10 }) });
  for (let at = 0; trainer.steps < 100; at += 20) trainer.step({ inputs: tokens.subarray(at, at + 128), targets: tokens.subarray(at + 1, at + 129) });
  expect(await trainer.weightsSha256()).toBe('3930458bd5f868da4c8bc8dfa72e4c56b4b7022c09639e0311ac65e7b830672f');
  const data = JSON.parse(JSON.stringify(optionsToData(trainer.options)));
  console.log(JSON.stringify(data));
  const again = Trainer.create(optionsFromData(data, builtinModels(), builtinChoices()) as any);
  again.restore(trainer.tensors(), trainer.steps);
  expect(await again.weightsSha256()).toBe(await trainer.weightsSha256());
});
const mlp = defineModel('mlp', ({ act }: { act: string }) => ({
  input: features({ count: 3 }),
  layers: act === 'relu' ? [linear(32, { name: 'a' }), relu(), linear(1, { name: 'b', bias: true })] : [linear(32, { name: 'a', deviation: 0.3 }), gelu(), linear(1, { name: 'b', bias: true })],
  loss: meanSquaredError(),
}));
test.each([['relu', sgd(), 0.1], ['gelu', adamw(), 0.01], ['relu', lion({ weightDecay: 0 }), 0.002], ['gelu', sgd({ momentumShift: 0 }), 0.1]] as const)('regression %s', (act, optimizer, rate) => {
  const t = Trainer.create({ model: mlp({ act }), batch: 32, steps: 600, learningRate: cosine(rate), optimizer });
  let last = 0;
  const f = (a: number, b: number, c: number) => a * b + Math.sin(2 * c);
  let s = 1; const r = () => { s = (Math.imul(s, 1664525) + 1013904223) >>> 0; return (s / 2 ** 32) * 3 - 1.5; };
  for (let i = 0; i < 600; i++) {
    const v: number[] = [], y: number[] = [];
    for (let k = 0; k < 32; k++) { const x = [r(), r(), r()]; v.push(...x); y.push(f(x[0], x[1], x[2])); }
    last = t.step({ values: v, targets: y }).loss;
    if (i % 150 === 0) console.log(act, optimizer.name, i, last);
  }
  console.log(act, optimizer.name, 'end', last, t.predict([0.5, 0.5, 0.3]), f(0.5, 0.5, 0.3));
  expect(last).toBeLessThan(0.1);
});
