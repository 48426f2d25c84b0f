// A GPT as an ONNX graph, in the directory that transformers.js loads.

import { fields, flag, text } from '../core/check.ts';
import { type ExportedFile, jsonFile, textFile } from './file.ts';
import { gpt2Config, gptConfig, mlpWidth } from './gpt2.ts';
import { type ExportedFiles, gptCard, type HfOptions, tokenizerFiles } from './hf.ts';
import { refuseModel, vocabularyOf } from './model.ts';
import { Blocks } from './onnx-blocks.ts';
import { BOOL, FLOAT, Graph, INT64 } from './onnx-graph.ts';
import { type ExportSource, Source } from './source.ts';

/** What an export needs to know beside the weights. */
export interface OnnxOptions extends HfOptions {
  /** Of a GPT: with keys and values of the tokens before as inputs and outputs, so that a text is
   *  continued without computing it anew for each token (true). transformers.js writes texts with
   *  such a graph alone. */
  cache?: boolean | undefined;
}

/** A model as an ONNX graph of opset 20 with what transformers.js loads beside it:
 *  `onnx/model.onnx`, configuration, tokenizer, README. A GPT has the inputs `input_ids`,
 *  `attention_mask`, `position_ids` and, with `cache`, `past_key_values.K.key` and `.value`; the
 *  outputs `logits`, and `present.K.key` and `.value`. Throws UsageError for another model, for one
 *  whose update rule makes it another network at inference, for a vocabulary of another size and
 *  for a file of 2 GiB.
 *  @example
 *  const model = gpt({ vocabulary: 256, layers: 1, channels: 8, heads: 2, context: 4 });
 *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
 *  const files = exportOnnx(trainer, { vocabulary: Vocabulary.bytes() });
 *  console.log(Object.keys(files)[0], files['onnx/model.onnx'].size > 12_000);
 *  // onnx/model.onnx true
 */
export function exportOnnx(given: ExportSource, options: OnnxOptions = {}): ExportedFiles {
  const source = new Source(given);
  const known = {
    vocabulary: undefined,
    name: `retrograd-${source.model}`,
    labels: undefined,
    cache: true,
  };
  const { vocabulary, name, cache } = fields<OnnxOptions>('options', options, known);
  text('name', name);
  flag('cache', cache);
  if (source.model !== 'gpt') refuseModel(source, 'gpt');
  source.checkRule();
  const { vocabulary: V, context } = gptConfig(source);
  const tokens = vocabularyOf(source, vocabulary, V);
  return {
    'onnx/model.onnx': gptGraph(source, name, cache),
    'config.json': jsonFile(gpt2Config(source, tokens.end)),
    ...tokenizerFiles(tokens, context),
    'README.md': textFile(gptCard(source, name, 'transformers.js')),
  };
}

/** What a row may look at: itself and those before it, of which none is masked. */
function maskOf(graph: Graph, mask: string, sides: string): string {
  const at = (value: string, index: number): string =>
    graph.node('Gather', [value, graph.ints(index)], { axis: 0 });
  const all = at(graph.node('Shape', [mask]), 1);
  const first = graph.node('Sub', [all, at(sides, 1)]);
  const zero = graph.ints(0);
  const one = graph.ints(1);
  const columns = graph.node('Range', [zero, all, one]);
  const rows = graph.node('Unsqueeze', [graph.node('Range', [first, all, one]), graph.ints([1])]);
  const isBefore = graph.node('LessOrEqual', [columns, rows]);
  const isThere = graph.node('Unsqueeze', [
    graph.node('Cast', [mask], { to: BOOL }),
    graph.ints([1, 2]),
  ]);
  return graph.node('And', [isBefore, isThere]);
}

function gptGraph(source: Source, name: string, hasCache: boolean): ExportedFile {
  const config = gptConfig(source);
  const { vocabulary: V, context: T, channels: C, heads: H, layers, tied } = config;
  const graph = new Graph();
  const blocks = new Blocks(graph, source, { channels: C, heads: H, inner: mlpWidth(config) });
  const ids = graph.input('input_ids', INT64, ['batch', 'sequence']);
  const all = hasCache ? 'total' : 'sequence';
  const seen = graph.input('attention_mask', INT64, ['batch', all]);
  const places = graph.input('position_ids', INT64, ['batch', 'sequence']);
  const cacheOf = (k: number, part: 'key' | 'value') => ({
    past: graph.input(`past_key_values.${k}.${part}`, FLOAT, ['batch', H, 'past', C / H]),
    present: `present.${k}.${part}`,
  });
  const token = blocks.tensor('token.weight', V, C);
  const position = blocks.tensor('position.weight', T, C);
  const embedded = graph.node('Add', [
    graph.node('Gather', [token, ids], { axis: 0 }),
    graph.node('Gather', [position, places], { axis: 0 }),
  ]);
  let x = graph.node('Reshape', [embedded, graph.ints([-1, C])]);
  const sides = graph.node('Shape', [ids]);
  const mask = maskOf(graph, seen, sides);
  const cache = hasCache ? cacheOf : undefined;
  for (let k = 0; k < layers; k++) x = blocks.block(x, k, { sides, mask, cache });
  const head = tied ? token : blocks.tensor('head.weight', V, C);
  const logits = graph.node('Gemm', [blocks.norm(x, 'norm'), head], { transB: 1 });
  const shape = graph.node('Concat', [sides, graph.ints([V])], { axis: 0 });
  graph.node('Reshape', [logits, shape], {}, { name: 'logits' });
  graph.output('logits', FLOAT, ['batch', 'sequence', V]);
  for (let k = 0; hasCache && k < layers; k++)
    for (const part of ['key', 'value'])
      graph.output(`present.${k}.${part}`, FLOAT, ['batch', H, 'total', C / H]);
  return graph.file(name, { 'retrograd.weights_sha256': source.sha256() });
}
