// What the command line says of threads, and that a thread which ends on the way costs no bit.

import { afterAll, expect, test } from 'vitest';
import { events, retrograd, TRAIN, workspace } from './command.ts';

const { path: cwd, remove } = workspace();
afterAll(remove);

/** A process whose workers are made by a class of that body. */
const workers = (body: string): Record<string, string> => ({
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(`
    const threads = process.getBuiltinModule('node:worker_threads');
    threads.Worker = class extends threads.Worker { constructor(...args) { ${body} } };`)}`,
});

const THREADS = ['--threads', '2'];
const SHORT = [...TRAIN, '--steps', '3', ...THREADS];

test('train says how many threads are at work', () => {
  expect(retrograd(SHORT, { cwd }).stdout).toMatch(/, seed 1, 2 threads\n/);
  const alone = retrograd(SHORT, { cwd, env: workers("throw new Error('none left')") });
  expect(alone.code).toBe(0);
  expect(alone.stdout).toMatch(
    /, seed 1, 1 thread instead of 2: no thread can be started: none left\n/,
  );
});

test('a thread that ends during a run: said once, the same weights', () => {
  const run = [...TRAIN, '--steps', '1500', '--json'];
  const env = workers(
    "super(...args); this.on('online', () => setTimeout(() => this.terminate(), 400))",
  );
  const { code, stdout, stderr } = retrograd([...run, ...THREADS], { cwd, env });
  expect([code, stderr]).toEqual([
    0,
    expect.stringMatching(
      /^[^\n]*1 thread instead of 2: a thread ended; the weights stay the same\n$/,
    ),
  ]);
  const [expected, found] = [
    events([...run, '--threads', '1'], { cwd }).at(-1),
    JSON.parse(stdout.trim().split('\n').at(-1) ?? ''),
  ];
  expect(found.weightsSha256).toBe(expected?.weightsSha256);
});
