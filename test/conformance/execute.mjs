// Runs a program of a runtime: collects what it says, and ends it with all of its children when the
// time is up or when it is asked to.

import { spawn } from 'node:child_process';
import { reasonOf } from '../../bench/compare/turns.mjs';

/** A reason that can be printed and published: one line without addresses and places on this
 *  machine. */
export const shortReason = (text) =>
  reasonOf(
    String(text)
      .trim()
      .replace(/\b[a-z]+:\/\/\S+/g, '')
      .replace(/[ \t]+/g, ' '),
  ) || 'no reason given';

/** Starts a command: { stop(), ended }. `ended` resolves to { code, stdout, stderr, error }; stop()
 *  ends it and its children. */
export function start([command, ...args], { env = {}, input } = {}) {
  const isGroup = process.platform !== 'win32';
  const child = spawn(command, args, {
    detached: isGroup,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  const said = { stdout: '', stderr: '', error: undefined };
  for (const stream of ['stdout', 'stderr'])
    child[stream].setEncoding('utf8').on('data', (text) => {
      said[stream] += text;
    });
  child.stdin.on('error', () => {}); // a program that ends before it has read everything
  child.stdin.end(input);
  const stop = () => {
    try {
      if (isGroup) process.kill(-child.pid, 'SIGKILL');
      else child.kill();
    } catch {
      /* it is over */
    }
  };
  const ended = new Promise((resolve) => {
    child.on('error', (error) => {
      said.error = error.message;
      resolve({ code: undefined, ...said });
    });
    child.on('close', (code) => resolve({ code, ...said }));
  });
  return { stop, ended };
}

/** Resolves like `promise`; rejects after `seconds`. */
export function within(seconds, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${seconds} s`)), seconds * 1000);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Runs a command to its end: { code, stdout, stderr, error }. Rejects when it takes longer than
 *  `seconds`. */
export async function execute(command, { seconds = 120, ...options } = {}) {
  const { stop, ended } = start(command, options);
  try {
    return await within(seconds, ended);
  } finally {
    stop();
  }
}

/** The line that says what went wrong. */
export function complaint({ error, stderr, stdout, code }) {
  const lines = `${stdout}\n${stderr}`
    .trim()
    .split('\n')
    .filter((line) => line.trim() !== '');
  return shortReason(
    error ??
      lines.findLast((line) =>
        /error|exception|cannot|not found|unsupported|refused/i.test(line),
      ) ??
      lines.at(-1) ??
      `ended with exit code ${code}`,
  );
}

/** What a program prints as its last line, JSON. Throws with its complaint if there is none. */
export async function ask(command, options) {
  const result = await execute(command, options);
  const line = result.stdout.trim().split('\n').at(-1);
  try {
    return JSON.parse(line);
  } catch {
    throw new Error(complaint(result));
  }
}

/** The first line that a program prints when it is asked for its version. */
export async function firstLine(command) {
  try {
    const { code, stdout } = await execute(command, { seconds: 30 });
    return code === 0 ? stdout.trim().split('\n')[0] : undefined;
  } catch {
    return undefined;
  }
}
