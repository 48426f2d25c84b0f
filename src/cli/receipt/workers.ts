// Who computed a step that is wrong: DIR/parts.jsonl beside a receipt says which worker said what
// of each part, and the parts can be computed again.

import fs from 'node:fs';
import { dirname, join } from 'node:path';
import { computePart, digestPart, type Trainer } from '../library.ts';
import type { Task } from '../tasks/task.ts';

/** A part that was agreed upon, as a coordinator has written it down. */
interface Agreed {
  step: number;
  first: number;
  count: number;
  workers: string[];
  digest: string;
}

/** Most bytes of the file that are looked at. */
const MOST = 2 ** 29;

function agreedIn(receipt: string, step: number): Agreed[] {
  const path = join(dirname(receipt), 'parts.jsonl');
  if (!fs.existsSync(path) || fs.statSync(path).size > MOST) return [];
  const lines = fs.readFileSync(path, 'utf8').split('\n');
  return lines.flatMap((line): Agreed[] => {
    try {
      const found = JSON.parse(line) as Agreed;
      return found.step === step && Array.isArray(found.workers) ? [found] : [];
    } catch {
      return []; // a line that was being written
    }
  });
}

/** The workers that agreed upon a wrong part of a step, which the trainer is about to make. */
export async function wrongWorkers(
  receipt: string,
  { trainer, batch }: Pick<Task, 'batch'> & { trainer: Trainer<never> },
): Promise<string[]> {
  const wrong = new Set<string>();
  const step = trainer.steps;
  for (const { first, count, workers, digest } of agreedIn(receipt, step)) {
    const part = computePart(trainer, batch as never, { step, first, count });
    if ((await digestPart(trainer, part)) !== digest)
      for (const worker of workers) wrong.add(worker);
  }
  return [...wrong].sort();
}
