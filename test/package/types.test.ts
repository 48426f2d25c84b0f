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
  strict: true, noEmit: true, types: [], target: ts.ScriptTarget.ES2024,
  lib: ['lib.es2024.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
  noUncheckedIndexedAccess: true, noPropertyAccessFromIndexSignature: true,
  verbatimModuleSyntax: true, isolatedModules: true,
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
  GptTrainer, Vocabulary, chooseToken, decodeCheckpoint, encodeCheckpoint, exportFloat32, fillBatch,
  planGpt, readText, sha256Hex,
} from 'retrograd';
import type { BatchOptions, CheckedOptions, NamedTensor, StepReport } from 'retrograd';
import type { TrainOptions } from 'retrograd';

export const model = { vocabulary: 4, layers: 1, channels: 8, heads: 2, context: 4 };
const seed: number | undefined = Math.random() > 2 ? 1 : undefined;
const options: TrainOptions = { model: { ...model, bias: undefined }, batch: 1, steps: 10, seed };
const trainer = GptTrainer.create(options), inputs = Int32Array.of(0, 1, 2, 3);
const report: StepReport = trainer.trainStep(inputs, new Int32Array(4));
const again: CheckedOptions = trainer.options;
const learningRate: number = again.learningRate, tied: boolean = again.model.tied;
GptTrainer.create(again);
planGpt(again).bytes.sideBits.toFixed();
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
GptTrainer.create(read).restore(tensors, step);
const bytes = new TextEncoder().encode('text');
const undecided = { vocabulary: undefined, what: undefined };
const { train, vocabulary } = readText(bytes, { context: 4, ...undecided });
const batch: BatchOptions = { seed: 1, batch: 1, context: 4, step: 0 };
fillBatch(train, batch, new Int32Array(4), new Int32Array(4));
export const text: string = vocabulary.decode([chooseToken(trainer.logits(train), 1, 1, 0)]);
export const seen = [report.loss, learningRate, tied, first?.name];

// @ts-expect-error a misspelt option
GptTrainer.create({ model, batch: 1, steps: 10, learning_rate: 1 });
// @ts-expect-error a misspelt option
GptTrainer.create({ model, batch: 1, steps: 10, lr: 1 });
// @ts-expect-error a misspelt name of the model
GptTrainer.create({ model: { ...model, layer: 1 }, batch: 1, steps: 10 });
// @ts-expect-error no model
GptTrainer.create({ batch: 1, steps: 10 });
// @ts-expect-error no batch without a step
fillBatch(train, { seed: 1, batch: 1, context: 4 }, new Int32Array(4), new Int32Array(4));
// @ts-expect-error tokens are an Int32Array
trainer.trainStep([0, 1, 2, 3], new Int32Array(4));
// @ts-expect-error another kind of vocabulary
readText(new Uint8Array(9), { context: 4, vocabulary: 'byte' });
// @ts-expect-error a rule that there is not
planGpt({ model, batch: 1, steps: 10, reversible: 'revnet' });
// @ts-expect-error made by create
new GptTrainer(again);
`;

const ALL = `
import {
  GptTrainer, TranslatorTrainer, VitTrainer, beamSearch, decodeCheckpoint, encodeCheckpoint,
  planGpt, planTranslator, planVit, translatorParameters, vitParameters,
} from 'retrograd/all';
import type { AnyModel, CheckedOptions, TrainOptions, VitConfig } from 'retrograd/all';
import { verify, formatReport } from 'retrograd/verify';

const image = { width: 4, height: 4, colours: 1, classes: 2, patch: 2 };
const size = { ...image, layers: 1, channels: 8, heads: 2 };
const vit: VitConfig = { kind: 'vit', ...size, bias: undefined };
const options: TrainOptions<VitConfig> = { model: vit, batch: 1, steps: 10 };
const trainer = VitTrainer.create(options);
const file = await encodeCheckpoint({
  tensors: trainer.tensors(), options: trainer.options, step: trainer.steps,
  vocabulary: [], dataSha256: '', libraryVersion: '0.1.0',
});
export const blob = new Blob([file]);
const decoded = await decodeCheckpoint(file), read: CheckedOptions<AnyModel> = decoded.options;
export const kind: 'vit' | 'translator' | undefined = read.model.kind;
if (read.model.kind === 'vit') {
  VitTrainer.create(read).restore(decoded.tensors, decoded.step);
  planVit(read).total.toFixed();
  vitParameters(read.model);
  read.model.patch.toFixed();
} else if (read.model.kind === 'translator') {
  TranslatorTrainer.create(read);
  planTranslator(read);
  translatorParameters(read.model);
} else {
  GptTrainer.create(read);
  planGpt(read);
  read.model.tied.valueOf();
}
VitTrainer.create(trainer.options);
const search = { beam: 1, begin: 0, end: 1, maxLength: 2, lengthPenalty: undefined };
export const { tokens } = beamSearch(() => [0, 1], search);
export const report = formatReport(verify());

// @ts-expect-error a misspelt option
VitTrainer.create({ model: vit, batch: 1, steps: 10, weight_decay: 1 });
// @ts-expect-error a misspelt name of the model
VitTrainer.create({ model: { ...vit, layer: 2 }, batch: 1, steps: 10 });
// @ts-expect-error no kind
VitTrainer.create({ model: size, batch: 1, steps: 10 });
// @ts-expect-error a misspelt option
beamSearch(() => [0, 1], { beams: 1, begin: 0, end: 1, maxLength: 2 });
`;

for (const [resolution, how] of Object.entries(RESOLUTIONS)) {
  for (const exactOptionalPropertyTypes of [true, false])
    test(`strict programs: ${resolution}, exact optional ${exactOptionalPropertyTypes}`, () => {
      expect(errorsOf({ ...how, exactOptionalPropertyTypes })).toEqual([]);
    });
}
