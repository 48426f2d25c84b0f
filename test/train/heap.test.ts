// A step leaves nothing behind on the JavaScript heap: everything that grows with the model lies in the arena.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { GptTrainer } from '../../src/index.ts';
import { continueTraining, smallOptions } from '../helpers/runs.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const used = (): number => {
  collect();
  return process.memoryUsage().heapUsed;
};

test('30 steps keep less than 8 KiB of heap, at depth 2 and at depth 32 with 60 times the weights (the least of 6 stretches)', () => {
  for (const model of [{ layers: 2, channels: 16 }, { layers: 32, channels: 32 }]) {
    const options = smallOptions({ steps: 500, model }), trainer = GptTrainer.create(options), grown: number[] = [];
    continueTraining(trainer, options, 60); // compiled, caches filled
    for (let stretch = 0, before = used(); stretch < 6; stretch++) {
      continueTraining(trainer, options, 30);
      const after = used();
      grown.push(after - before);
      before = after;
    }
    console.log(`heap at depth ${model.layers}: 6 stretches of 30 steps keep ${grown.join(', ')} bytes`);
    expect(Math.min(...grown)).toBeLessThan(8 * 1024); // what a step kept would be there in every stretch; the engine's own comes and goes
  }
});
