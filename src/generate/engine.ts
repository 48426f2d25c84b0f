// A model laid out for the way forward alone, with its weights prepared once: streams over one
// memory of their own.

import {
  type Backend,
  createWasmBackend,
  type Layer,
  type Loss,
  type MatrixChoices,
  type Model,
  type NamedTensor,
  Planner,
  Run,
  type StackLayer,
  type Tensor,
  UsageError,
} from '../index.ts';
import type { Span } from './cache.ts';
import { ForwardArena, Placement, Weights } from './memory.ts';
import { ForwardStream, REST, type StreamShape } from './stream.ts';

/** What is to be run. */
export interface EngineSource {
  readonly model: Model<never>;
  readonly tensors: readonly NamedTensor[];
  /** Most bytes. */
  readonly memoryLimit: number;
}

/** Room beside the arena for the kernels' static data. */
const SLACK = 2 ** 18;

interface Laid {
  readonly streams: readonly ForwardStream[];
  readonly placement: Placement;
}

/** Paths of the parameters before stacks, which layers may read in every pass. */
function pathsInFront(source: EngineSource): ReadonlySet<string> {
  const at = plannerOf(new ForwardArena(0), source);
  for (const { input, layers } of source.model.streams) {
    const isStack = (layer: Layer | StackLayer): boolean => 'stack' in layer;
    const place = layers.findIndex(isStack);
    let { type } = input.plan(at);
    for (const layer of layers.slice(0, Math.max(0, place)) as Layer[]) {
      layer.plan(at, type, 'state');
      type = layer.output(type, 'state');
    }
  }
  return new Set(at.finish([]).map(({ path }) => path));
}

/** With the adapter and the operands of the model's configuration, if it has them. */
function plannerOf(arena: ForwardArena, { model }: EngineSource, keys?: number): Planner {
  const { adapter, operands } = Object((model as { config?: object }).config) as MatrixChoices;
  const one = { rank: 0, threads: 1, sequences: 1 };
  return Planner.create(arena, { ...one, forward: true, keys, adapter, operands });
}

function layOut(arena: ForwardArena, source: EngineSource, shape: StreamShape | undefined): Laid {
  const { model } = source;
  const input = model.streams[model.streams.length - 1].input.plan(
    plannerOf(new ForwardArena(0), source),
  );
  const at = plannerOf(arena, source, shape === undefined ? undefined : input.type.rows);
  const last = model.streams.length - 1;
  const streams: ForwardStream[] = [];
  model.streams.forEach((stream, i) => {
    at.memory = streams.at(-1)?.output;
    const wanted = i === last ? (model.loss as Loss<never>).takes[0] : 'operand';
    streams.push(new ForwardStream(at, stream as never, wanted, i === last ? shape : undefined));
  });
  const parameters = at.finish([]);
  const inFront = pathsInFront(source);
  const hasStack = streams.every(({ stack }) => stack !== undefined);
  const placement = new Placement(
    arena,
    parameters,
    ({ path, rows }) => !hasStack || rows === 0 || inFront.has(path),
    (path) => streams.map((stream) => stream.groupOf(path)).find((group) => group) ?? REST,
  );
  return { streams, placement };
}

export class Engine {
  readonly run: Run;
  readonly streams: readonly ForwardStream[];
  /** Bytes of memory in use. */
  readonly bytes: number;
  private readonly placement: Placement;

  constructor(source: EngineSource, shape: StreamShape, makeBackend = backendOf) {
    const first = new ForwardArena(0);
    const isIncremental = layOut(first, source, shape).streams.at(-1)?.isIncremental ?? false;
    const chosen = isIncremental ? shape : undefined;
    const trial = isIncremental ? first : new ForwardArena(0);
    if (!isIncremental) layOut(trial, source, chosen);
    const { memoryLimit } = source;
    if (trial.total > memoryLimit)
      throw new UsageError(
        `the generator needs ${trial.total} bytes, ${memoryLimit} are allowed`,
        'use fewer sequences (same text) or a smaller model',
      );
    const backend = makeBackend(trial.total + SLACK);
    this.run = new Run(backend);
    const arena = new ForwardArena(backend.base);
    const { streams, placement } = layOut(arena, source, chosen);
    this.streams = streams;
    this.bytes = arena.end;
    this.placement = placement;
    this.reload(source.tensors);
  }

  /** Takes other weights of the same model; what was kept of any sequence is of the ones before. */
  reload(tensors: readonly NamedTensor[]): void {
    const { run, streams, placement } = this;
    const weights = new Weights(tensors);
    for (const parameter of placement.resident) weights.load(run, parameter);
    streams.forEach((stream, i) => {
      stream.prepare(run, weights, placement, streams[i - 1]?.memory);
    });
  }

  /** The stream that ends in the model's output. */
  get last(): ForwardStream {
    return this.streams[this.streams.length - 1];
  }

  /** Runs one whole sample of the last stream, after `begin`: all rows of its output. */
  infer(sample: unknown): Tensor {
    return this.last.infer(this.run, sample);
  }

  /** Runs whole samples of the streams before the last one. Throws UsageError for another number of
   *  them. */
  begin(samples: readonly unknown[]): void {
    const { streams, run } = this;
    if (samples.length !== streams.length - 1)
      throw new UsageError(
        `${samples.length} samples are given, expected one of each stream but the last ` +
          `(${streams.length - 1})`,
      );
    samples.forEach((sample, i) => {
      run.memory = streams[i - 1]?.memory;
      streams[i].infer(run, sample);
    });
    run.memory = streams[streams.length - 2]?.memory;
    this.last.cache?.forgetOther();
  }

  /** Runs tokens that follow those kept; returns where their states are. */
  extend(spans: readonly Span[], tokens: readonly Int32Array[], to?: number): number {
    return this.last.extend(this.run, spans, tokens, to);
  }
}

const backendOf = (bytes: number): Backend =>
  createWasmBackend({ pages: Math.ceil(bytes / 65536) });
