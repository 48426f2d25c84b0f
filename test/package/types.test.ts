// The declarations of the package as a strict program sees them: what must compile does, under both
// ways of finding them, and what must not does not (@ts-expect-error without an error is an error).

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'retrograd-types-'));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(ROOT, join(folder, 'node_modules/retrograd'), 'dir');
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const RESOLUTIONS = {
  nodenext: { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext },
  bundler: { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler },
} as const;

const STRICT: ts.CompilerOptions = {
  strict: true,
  noEmit: true,
  types: [],
  target: ts.ScriptTarget.ES2024,
  lib: ['lib.es2024.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
  noUncheckedIndexedAccess: true,
  noPropertyAccessFromIndexSignature: true,
  verbatimModuleSyntax: true,
  isolatedModules: true,
};

/** The errors of the programs, and of the declarations themselves. */
function errorsOf(more: ts.CompilerOptions): string[] {
  const files = Object.entries({ small: SMALL, all: ALL }).map(([name, text]) => {
    writeFileSync(join(folder, `${name}.ts`), text);
    return join(folder, `${name}.ts`);
  });
  const program = ts.createProgram(files, { ...STRICT, ...more });
  return ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
    const line = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start).line + 1;
    return `${file?.fileName}:${line}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
  });
}

const SMALL = `
import {
  Trainer, Vocabulary, bdia, checkTrainOptions, chooseToken, cosine, decodeCheckpoint,
  encodeCheckpoint, exportFloat32, fillBatch, gpt, plan, readText, sha256Hex, textWindows,
} from 'retrograd';
import type { BatchOptions, CheckedOptions, NamedTensor, StepReport, TextBatch } from 'retrograd';
import type { GptConfig, TrainOptions } from 'retrograd';

export const config = { vocabulary: 4, layers: 1, channels: 8, heads: 2, context: 4 };
const seed: number | undefined = Math.random() > 2 ? 1 : undefined;
const model = gpt({ ...config, bias: undefined });
const options: TrainOptions<TextBatch> = { model, batch: 1, steps: 10, seed };
const trainer = Trainer.create(options);
const tokens = Int32Array.of(0, 1, 2, 3);
const report: StepReport = trainer.step({ inputs: tokens, targets: new Int32Array(4) });
const again: CheckedOptions<TextBatch> = trainer.options;
const rate: bigint = again.learningRate.rate(0, 10);
const full: GptConfig = model.config;
Trainer.create(again);
plan(again).bytes.sideBits.toFixed();
checkTrainOptions({ ...options, learningRate: cosine(0.001, { warmup: undefined }) });
const file = await encodeCheckpoint({
  tensors: trainer.tensors(), options: trainer.options, step: trainer.steps,
  vocabulary: Vocabulary.bytes().toJson(), dataSha256: await sha256Hex(new Uint8Array(0)),
  libraryVersion: '0.1.0',
});
const same = await encodeCheckpoint(await decodeCheckpoint(file));
export const blob = new Blob([file, same, exportFloat32(trainer.tensors(), '1')]);
await new Response(file).arrayBuffer();
await crypto.subtle.digest('SHA-256', file);
const { tensors, options: read, step } = await decodeCheckpoint(file);
const first: NamedTensor | undefined = tensors[0];
Trainer.create(read).restore(tensors, step);
const bytes = new TextEncoder().encode('text');
const undecided = { vocabulary: undefined, what: undefined };
const { train, vocabulary } = readText(bytes, { context: 4, ...undecided });
const batch: BatchOptions = { seed: 1, batch: 1, context: 4, step: 0 };
fillBatch(train, batch, new Int32Array(4), new Int32Array(4));
trainer.evaluate(textWindows(train, 4)).accuracy.toFixed();
export const text: string = vocabulary.decode([chooseToken(trainer.predict(train), 1, 1, 0)]);
export const seen = [report.loss, rate, full.tied, first?.name];

// @ts-expect-error a misspelt option
Trainer.create({ model, batch: 1, steps: 10, learning_rate: 1 });
// @ts-expect-error a misspelt option
Trainer.create({ model, batch: 1, steps: 10, lr: 1 });
// @ts-expect-error a misspelt name of the model
gpt({ ...config, layer: 1 });
// @ts-expect-error no model
Trainer.create({ batch: 1, steps: 10 });
// @ts-expect-error no batch without a step
fillBatch(train, { seed: 1, batch: 1, context: 4 }, new Int32Array(4), new Int32Array(4));
// @ts-expect-error tokens are an Int32Array
trainer.step({ inputs: [0, 1, 2, 3], targets: new Int32Array(4) });
// @ts-expect-error another kind of vocabulary
readText(new Uint8Array(9), { context: 4, vocabulary: 'byte' });
// @ts-expect-error a rule is a value
gpt({ ...config, rule: 'bdia' });
// @ts-expect-error a misspelt option of a rule
bdia({ shift: 1 });
// @ts-expect-error made by create
new Trainer(again);
`;

const ALL = `
import {
  Trainer, beamSearch, decodeCheckpoint, encodeCheckpoint, momentum, plan, translator, vit,
} from 'retrograd';
import type { ImageBatch, TrainOptions, TranslatorBatch, VitConfig } from 'retrograd';
import { verify, formatReport } from 'retrograd/verify';

const image = { width: 4, height: 4, colours: 1, classes: 2, patch: 2 };
const rule = momentum({ beta: undefined });
const size: VitConfig = { ...image, layers: 1, channels: 8, heads: 2, rule, bias: undefined };
const options: TrainOptions<ImageBatch> = { model: vit(size), batch: 1, steps: 10 };
const trainer = Trainer.create(options);
const file = await encodeCheckpoint({
  tensors: trainer.tensors(), options: trainer.options, step: trainer.steps,
  vocabulary: [], dataSha256: '', libraryVersion: '0.1.0',
});
export const blob = new Blob([file]);
const { options: read, step, tensors } = await decodeCheckpoint(file);
export const name: string = read.model.name;
Trainer.create(read).restore(tensors, step);
plan(read).total.toFixed();
Trainer.create(trainer.options);
const words = translator({ vocabulary: 8, layers: 1, channels: 8, heads: 2, context: 4 });
export const pairs: Trainer<TranslatorBatch> = Trainer.create({ model: words, batch: 1, steps: 1 });
const search = { beam: 1, begin: 0, end: 1, maxLength: 2, lengthPenalty: undefined };
export const { tokens } = beamSearch(() => [0, 1], search);
export const report = formatReport(verify());

// @ts-expect-error a misspelt option
Trainer.create({ model: vit(size), batch: 1, steps: 10, weight_decay: 1 });
// @ts-expect-error a misspelt name of the model
vit({ ...size, layer: 2 });
// @ts-expect-error a configuration is not a model
Trainer.create({ model: size, batch: 1, steps: 10 });
// @ts-expect-error images are not text
trainer.step({ inputs: new Int32Array(4), targets: new Int32Array(4) });
// @ts-expect-error a misspelt option
beamSearch(() => [0, 1], { beams: 1, begin: 0, end: 1, maxLength: 2 });
`;

for (const [resolution, how] of Object.entries(RESOLUTIONS)) {
  for (const exactOptionalPropertyTypes of [true, false])
    test(`strict programs: ${resolution}, exact optional ${exactOptionalPropertyTypes}`, () => {
      expect(errorsOf({ ...how, exactOptionalPropertyTypes })).toEqual([]);
    });
}
