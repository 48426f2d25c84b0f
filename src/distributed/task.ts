// What a worker is asked to do, and what it answers, as lines of JSON. Nothing in them is trusted.

import { isDigest } from '../receipt/format.ts';
import { digestText } from './digest.ts';
import { DistributedError } from './errors.ts';
import type { PartRange } from './part.ts';

/** Version of the messages: a worker of another one is refused at the door. */
export const PROTOCOL = 2;

/** Weights, and where to get them: coded bytes by their SHA-256. */
export interface Source {
  /** SHA-256 of the weights. */
  readonly weights: string;
  /** SHA-256 of the bytes. */
  readonly blob: string;
}

/** A part to compute. */
export interface Task extends PartRange {
  /** The run's name. */
  readonly run: string;
  /** SHA-256 of the weights to compute it at. */
  readonly weights: string;
  /** Whether the gradients are wanted, or their digest alone. */
  readonly upload: boolean;
  /** Whole weights of a step before, or of this one. */
  readonly full: Source;
  /** What each step since has changed, in order. */
  readonly changes: readonly Source[];
}

type Named = Pick<Task, 'run' | 'step' | 'first' | 'count' | 'weights' | 'upload'>;

/** The name of a task: its result depends on nothing else. */
export const taskId = ({ run, step, first, count, weights, upload }: Named): string =>
  digestText([run, step, first, count, weights, upload].join(' '));

/** What a worker says of its result: it cannot be copied from another one's, as it depends on who
 *  says it. */
export const sealOf = (answer: string, worker: string): string => digestText(`${answer} ${worker}`);

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && value % 1 === 0 && value >= 0 && value < 2 ** 31;

function readSource(value: unknown): Source {
  const { weights, blob } = Object(value) as Partial<Source>;
  if (!isDigest(weights) || !isDigest(blob))
    throw new DistributedError('a task does not say where its weights are');
  return { weights, blob };
}

/** Most steps between whole weights. */
export const MAX_CHANGES = 64;

/** A task from JSON that may be anything. Throws DistributedError. */
export function readTask(value: unknown): Task {
  const { run, step, first, count, weights, upload, full, changes } = Object(
    value,
  ) as Partial<Task>;
  const isTask =
    typeof run === 'string' &&
    isCount(step) &&
    isCount(first) &&
    isCount(count) &&
    isDigest(weights) &&
    typeof upload === 'boolean' &&
    Array.isArray(changes) &&
    changes.length <= MAX_CHANGES;
  if (!isTask) throw new DistributedError('a task lacks something, or has what none can have');
  const origins = { full: readSource(full), changes: changes.map(readSource) };
  return { run, step, first, count, weights, upload, ...origins };
}
