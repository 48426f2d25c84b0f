// Models that have learned something, as tests export them, and a place for what they write.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { ExportedFiles } from '../../src/export/index.ts';
import {
  fillBatch,
  type GptConfig,
  readText,
  type TextBatch,
  type TextData,
  type Trainer,
} from '../../src/index.ts';
import { createGpt, type FlatOptions } from '../helpers/flat.ts';

const SENTENCE =
  'she sells sea shells by the sea shore; the shells she sells are sea shells, sure. ';
/** With characters of two and three bytes. */
export const TEXT = new TextEncoder().encode(`${SENTENCE}für den Café – 5 €.\n`.repeat(40));
const SHAPE = { layers: 2, channels: 32, heads: 4, context: 24 };

export interface Trained extends TextData {
  readonly trainer: Trainer<TextBatch>;
}

/** A GPT after some steps on a text. */
export function trainedGpt(
  more: Partial<GptConfig> = {},
  flat: Partial<FlatOptions> = {},
  kind: 'bytes' | 'characters' = 'characters',
): Trained {
  const { context } = SHAPE;
  const data = readText(TEXT, { context, vocabulary: kind });
  const model = { ...SHAPE, vocabulary: data.vocabulary.size, ...more };
  const { steps = 150 } = flat;
  const batch = 8;
  // with the usual 9 bits the states of so narrow a model are coarse: 0.1 to 0.2 of a logit
  const own = { model, batch, steps, learningRate: 0.005, warmup: 10, ...flat };
  const trainer = createGpt(own);
  const inputs = new Int32Array(batch * context);
  const targets = new Int32Array(batch * context);
  while (trainer.steps < steps) {
    fillBatch(data.train, { seed: 1, batch, context, step: trainer.steps }, inputs, targets);
    trainer.step({ inputs, targets });
  }
  return { ...data, trainer };
}

/** Writes files into a new directory, which goes with the test. */
export function writeFiles(files: ExportedFiles): string {
  const folder = mkdtempSync(join(tmpdir(), 'retrograd-export-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, file] of Object.entries(files)) writeFileSync(join(folder, name), file.bytes());
  return folder;
}
