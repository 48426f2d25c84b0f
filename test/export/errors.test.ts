// What cannot be exported is refused in a line that says what to do.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { exportHf } from '../../src/export/index.ts';
import {
  defineModel,
  gpt,
  linear,
  meanSquaredError,
  momentum,
  Trainer,
  UsageError,
  Vocabulary,
} from '../../src/index.ts';
import { features } from '../../src/layers/features.ts';

const SHAPE = { vocabulary: 256, layers: 1, channels: 8, heads: 2, context: 4 };
const trainer = Trainer.create({ model: gpt(SHAPE), batch: 1, steps: 1 });
const bytes = Vocabulary.bytes();

describe('exportHf refuses', () => {
  test('a model of your own', () => {
    const define = defineModel('line', () => ({
      input: features<{ values: number[] }>({ count: 2 }),
      layers: [linear(1, { name: 'out' })],
      loss: meanSquaredError<{ targets: number[] }>({ targets: (batch) => batch.targets }),
    }));
    const own = Trainer.create({ model: define({}), batch: 1, steps: 1 });
    expect(() => exportHf(own)).toThrow(
      'the model is "line", expected gpt, vit or translator. HINT: exportSafetensors ' +
        '(--to safetensors) takes any model',
    );
  });

  test('a model whose rule makes it another network', () => {
    const model = gpt({ ...SHAPE, rule: momentum() });
    const other = Trainer.create({ model, batch: 1, steps: 1 });
    expect(() => exportHf(other, { vocabulary: bytes })).toThrow(
      /^the model was trained with the update rule "momentum", expected bdia or plain: /,
    );
  });

  test('a vocabulary that is missing, of another size, or none', () => {
    expect(() => exportHf(trainer)).toThrow('vocabulary is missing, expected what the tokens');
    const other = { kind: 'characters', symbols: 'abc' };
    expect(() => exportHf(trainer, { vocabulary: other })).toThrow(
      'the vocabulary has 3 tokens, expected 256 as the model. HINT: give the vocabulary that ' +
        'the model was trained with',
    );
    expect(() => exportHf(trainer, { vocabulary: { kind: 'words' } })).toThrow(
      /^the vocabulary is of type object, expected one of characters, bytes or byte/,
    );
  });

  test('an option that it does not know', () => {
    const options = { vocabulary: bytes, nam: 'x' };
    expect(() => exportHf(trainer, options)).toThrow(UsageError);
    expect(() => exportHf(trainer, options)).toThrow('perhaps name was meant');
  });

  test('weights that are not those of the model', () => {
    const { options } = trainer;
    const tensors = trainer.tensors();
    const lacking = tensors.filter(({ name }) => name !== 'block.0.up.weight');
    expect(() => exportHf({ options, tensors: lacking }, { vocabulary: bytes })).toThrow(
      'tensor block.0.up.weight is missing',
    );
    const other = tensors.map((tensor) => ({ ...tensor, shape: [...tensor.shape].reverse() }));
    expect(() => exportHf({ options, tensors: other }, { vocabulary: bytes })).toThrow(
      'tensor token.weight has shape [8, 256] and 2048 elements, expected [256, 8]',
    );
    const short = tensors.map((tensor) => ({ ...tensor, data: tensor.data.slice(1) }));
    expect(() => exportHf({ options, tensors: short }, { vocabulary: bytes })).toThrow(
      'tensor token.weight has shape [256, 8] and 2047 elements, expected [256, 8]',
    );
  });
});

test.each(['verify', 'export', 'import', 'worker-export'])(
  'in dist/%s.js there is no second class of the errors',
  (entry) => {
    const text = readFileSync(join(import.meta.dirname, `../../dist/${entry}.js`), 'utf8');
    expect(text).toMatch(/import ?\{[^}]*UsageError[^}]*\} ?from"\.\/(index|worker)\.js"/);
    expect(text).not.toMatch(/extends Error\b/);
  },
);
