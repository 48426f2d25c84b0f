// transformers.js and onnxruntime-web, on Node: the ONNX directory as they load it.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const D = (shape) => shape.reduce((a, b) => a * b, 1);

/** Logits of all rows by onnxruntime-web, of the tokens at once and one by one with the cache. */
export async function askRuntime({ folder, tokens, logits }) {
  const ort = await import('onnxruntime-web');
  ort.env.wasm.numThreads = 1;
  const open = (name) =>
    ort.InferenceSession.create(readFileSync(join(folder, name, 'onnx', 'model.onnx')));
  const long = (values, ...shape) =>
    new ort.Tensor('int64', BigInt64Array.from(values, BigInt), shape);
  const places = (from, to) => Array.from({ length: to - from }, (_, i) => from + i);
  const V = logits[0].length;
  const rowsOf = ({ logits: { data } }) =>
    Array.from({ length: data.length / V }, (_, t) => [...data.subarray(t * V, (t + 1) * V)]);
  const plain = await open('js-plain');
  const T = tokens.length;
  const whole = rowsOf(
    await plain.run({
      input_ids: long(tokens, 1, T),
      attention_mask: long(
        places(0, T).map(() => 1),
        1,
        T,
      ),
      position_ids: long(places(0, T), 1, T),
    }),
  );
  const cached = await open('js');
  const { n_head: heads, n_embd: channels } = JSON.parse(
    readFileSync(join(folder, 'config.json'), 'utf8'),
  );
  const none = [1, heads, 0, channels / heads];
  let past = {};
  const rows = [];
  for (let t = 0; t < T; t++) {
    const feeds = {
      input_ids: long([tokens[t]], 1, 1),
      attention_mask: long(
        places(0, t + 1).map(() => 1),
        1,
        t + 1,
      ),
      position_ids: long([t], 1, 1),
    };
    for (const name of cached.inputNames.filter((one) => one.startsWith('past')))
      feeds[name] = past[name] ?? new ort.Tensor('float32', new Float32Array(D(none)), none);
    const answer = await cached.run(feeds);
    rows.push(...rowsOf(answer));
    past = Object.fromEntries(
      cached.outputNames
        .filter((name) => name.startsWith('present'))
        .map((name) => [name.replace('present', 'past_key_values'), answer[name]]),
    );
  }
  return { whole, rows, version: ort.env.versions.web };
}

/** The greedy text of transformers.js, its tokens of the prompt and their text. */
export async function askTransformersJs({ folder, prompt, promptTokens }, length) {
  const { AutoTokenizer, AutoModelForCausalLM, env } = await import('@huggingface/transformers');
  env.allowRemoteModels = false;
  const path = join(folder, 'js');
  const tokenizer = await AutoTokenizer.from_pretrained(path);
  const model = await AutoModelForCausalLM.from_pretrained(path);
  const inputs = tokenizer(prompt);
  const given = { ...inputs, max_new_tokens: length, do_sample: false };
  const [answer] = await model.generate(given);
  return {
    text: tokenizer.decode(answer, { skip_special_tokens: false }),
    areTokensEqual: [...inputs.input_ids.data].map(Number).join() === promptTokens.join(),
    version: env.version,
  };
}
