// A contender's side of a comparison: a process that answers one request line of JSON with one line
// of JSON and is idle in between, so that contenders can take turns. Whatever its engine prints
// goes to stderr; an error is answered as { error }.

import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Where the .wasm files of tfjs are. */
export const TFJS_FOLDER = join(
  import.meta.dirname,
  'node_modules/@tensorflow/tfjs-backend-wasm/dist/',
);

for (const name of ['log', 'info', 'warn', 'debug'])
  console[name] = (...args) => console.error(...args);
const send = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);
const asAnswer = (error) => ({
  error: String(error?.message ?? error)
    .split('\n')[0]
    .slice(0, 200),
});

/** Answers every line of stdin with what `handle` makes of it, in order, until stdin ends. */
export async function serve(handle) {
  for await (const line of createInterface({ input: process.stdin })) {
    try {
      send(await handle(JSON.parse(line)));
    } catch (error) {
      send(asAnswer(error));
    }
  }
  process.exit(0);
}

/** Answers the request in the last argument and ends: for measurements that need a fresh process.
 */
export async function answerOnce(handle) {
  let answer;
  try {
    answer = await handle(JSON.parse(process.argv.at(-1)));
  } catch (error) {
    answer = asAnswer(error);
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`, () => process.exit(0));
}

/** Calls `turn` until `milliseconds` are over, at least once; returns turns and the time they took.
 *  `turn` may be asynchronous. */
export async function repeat(turn, milliseconds) {
  const start = performance.now();
  let turns = 0;
  let passed = 0;
  do {
    const result = turn();
    if (result instanceof Promise) await result;
    turns++;
    passed = performance.now() - start;
  } while (passed < milliseconds);
  return { turns, milliseconds: passed };
}
