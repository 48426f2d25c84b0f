// The measuring side of a comparison: starts contenders (contender.mjs) and asks them in turn, one
// at a time.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { ROOT } from '../stamp.mjs';

/** A reason that can be printed on a page: its first line, without places on this machine. */
export const reasonOf = (message) =>
  message
    .split('\n')[0]
    .replaceAll('file://', '')
    .replaceAll(ROOT, '')
    .replace(/(?<![\w.])(?:\/[\w.@+-]+){2,}\/?/g, (path) => path.split('/').filter(Boolean).at(-1))
    .slice(0, 160);

/** Longest wait for one answer. */
const PATIENCE = 180_000;

function start([command, ...args], env) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env: env ?? process.env });
  let complaints = '';
  child.stderr.on('data', (data) => {
    complaints = (complaints + data).slice(-2000);
  });
  child.stdin.on('error', () => {});
  const waiting = [];
  const answer = (value) => waiting.shift()?.(value);
  createInterface({ input: child.stdout }).on('line', (line) => {
    try {
      answer(JSON.parse(line));
    } catch {
      complaints = `${complaints}\n${line}`.slice(-2000);
    }
  });
  const lost = (reason) => {
    while (waiting.length > 0) answer({ error: reason });
  };
  const lastWords = () =>
    complaints
      .trim()
      .split('\n')
      .filter((line) => /error|not found|no module/i.test(line))
      .at(-1)
      ?.trim()
      .slice(0, 200);
  let isOver = false;
  child.on('error', (error) => {
    isOver = true;
    lost(error.message);
  });
  child.on('close', (code) => {
    isOver = true;
    setImmediate(() => lost(lastWords() ?? `ended with exit code ${code}`));
  });
  const next = () =>
    new Promise((resolve) => {
      if (isOver) return resolve({ error: reasonOf(lastWords() ?? 'has ended') });
      const timer = setTimeout(() => {
        child.kill();
        lost(`no answer in ${PATIENCE / 1000} s`);
      }, PATIENCE);
      waiting.push((value) => {
        clearTimeout(timer);
        resolve(value.error === undefined ? value : { error: reasonOf(value.error) });
      });
    });
  return { child, next };
}

/** A contender that stays alive: ask({...}) resolves to its answer, or to { error }. */
export class Contender {
  #process;
  constructor(command, env) {
    this.#process = start(command, env);
  }
  ask(request) {
    const answer = this.#process.next();
    this.#process.child.stdin.write(`${JSON.stringify(request)}\n`);
    return answer;
  }
  end() {
    this.#process.child.stdin.end();
  }
}

/** One answer of a fresh process, which is over when this resolves. The request is its last
 *  argument. */
export async function askFresh(command, request, env) {
  const { child, next } = start([...command, JSON.stringify(request)], env);
  const closed = new Promise((resolve) => child.on('close', resolve));
  const answer = await next();
  child.stdin.end();
  await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 5000).unref())]);
  return answer;
}

const sorted = (values) => [...values].sort((a, b) => a - b);
/** Median, 10 % and 90 % quantile and number of measurements. */
export function summary(values) {
  const all = sorted(values);
  const at = (share) => all[Math.round(share * (all.length - 1))];
  return {
    median: all.length % 2 === 1 ? at(0.5) : (all[all.length / 2 - 1] + all[all.length / 2]) / 2,
    low: at(0.1),
    high: at(0.9),
    runs: all.length,
  };
}
