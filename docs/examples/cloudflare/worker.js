// A Cloudflare Worker that trains a few steps in every request and goes on where the last one
// stopped, in whatever machine the next one wakes up: the state is a checkpoint's bytes in a
// Durable Object's storage.
//
//   POST /train?steps=10     -> { "step": 10, "loss": ..., "weightsSha256": "..." }
//   GET  /                   -> the same without training
//
// Workers forbid compiling WebAssembly at run time; 'retrograd' resolves to the entry that imports
// its module as a file there. A clock does not advance while a Worker computes, so the budget of a
// request is a number of steps: one of this model takes about 4 ms.

import { cosine, decodeCheckpoint, encodeCheckpoint, gpt, Trainer } from 'retrograd';

const TEXT = 'she sells sea shells by the sea shore. '.repeat(60);
const TOKENS = Int32Array.from(new TextEncoder().encode(TEXT));
const windows = (at = 0) => TOKENS.subarray(at, at + 128); // 8 windows of 16 tokens
const OPTIONS = {
  model: gpt({ vocabulary: 128, layers: 4, channels: 32, heads: 4, context: 16 }),
  batch: 8,
  steps: 100,
  learningRate: cosine(0.003, { warmup: 10 }),
};
/** Steps of one request at most. */
const BUDGET = 25;
/** A value of a Durable Object's storage has at most 128 KiB. */
const CHUNK = 131072;

export class Training {
  constructor({ storage }) {
    this.storage = storage;
  }

  /** The trainer, as the last request left it. */
  async load() {
    this.trainer ??= Trainer.create(OPTIONS);
    const chunks = await this.storage.get('chunks');
    if (chunks !== undefined && this.trainer.steps === 0) {
      const parts = await Promise.all(
        Array.from({ length: chunks }, (_, i) => this.storage.get(`chunk ${i}`)),
      );
      const checkpoint = await decodeCheckpoint(
        new Uint8Array(await new Blob(parts).arrayBuffer()),
      );
      this.trainer.restore(checkpoint.tensors, checkpoint.step);
    }
    return this.trainer;
  }

  async save() {
    const { options, steps: step } = this.trainer;
    const bytes = await encodeCheckpoint({
      tensors: this.trainer.tensors(),
      options,
      step,
      vocabulary: null,
      dataSha256: '0'.repeat(64),
      libraryVersion: 'example',
    });
    const chunks = Math.ceil(bytes.length / CHUNK);
    await this.storage.transaction(async (storage) => {
      // all or nothing
      for (let i = 0; i < chunks; i++)
        await storage.put(`chunk ${i}`, bytes.slice(i * CHUNK, (i + 1) * CHUNK));
      await storage.put('chunks', chunks);
    });
  }

  async fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    const trainer = await this.load();
    let loss;
    if (pathname === '/train' && request.method === 'POST') {
      const steps = Number(searchParams.get('steps') ?? 10);
      if (!Number.isInteger(steps) || steps < 1 || steps > BUDGET)
        return new Response(`steps is ${searchParams.get('steps')}, expected 1 to ${BUDGET}\n`, {
          status: 400,
        });
      for (let i = 0; i < steps && trainer.steps < OPTIONS.steps; i++) {
        const at = trainer.steps * 20;
        ({ loss } = trainer.step({ inputs: windows(at), targets: windows(at + 1) }));
      }
      await this.save();
    }
    return Response.json({
      step: trainer.steps,
      loss,
      weightsSha256: await trainer.weightsSha256(),
    });
  }
}

export default {
  fetch: (request, env) => env.TRAINING.get(env.TRAINING.idFromName('run')).fetch(request),
};
