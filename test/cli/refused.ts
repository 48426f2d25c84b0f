// A workspace of hostile files and of two runs, and what must be true of every refusal there: one
// line on stderr that says what was given, what is expected and a hint, nothing on stdout, nothing
// written, no stack trace.

import { copyFileSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { retrograd, TRAIN, textOf, workspace } from './command.ts';

/** The workspace; it is there before the first test. */
export let cwd: string;
let remove: () => void;
/** A path in the workspace. */
export const file = (name: string): string => join(cwd, name);

function make(): void {
  ({ path: cwd, remove } = workspace());
  writeFileSync(file('empty.txt'), '');
  writeFileSync(file('one.txt'), 'a');
  writeFileSync(file('same.txt'), 'a'.repeat(1000));
  writeFileSync(file('short.txt'), 'abcdefgh'.repeat(10));
  writeFileSync(
    file('latin1.txt'),
    Buffer.from([
      ...Buffer.from('plain text and then '),
      0xe9,
      ...Buffer.from(' in Latin-1'.repeat(50)),
    ]),
  );
  writeFileSync(file('other.txt'), textOf(3000));
  writeFileSync(file('greek.txt'), 'αβγδ'.repeat(100));
  mkdirSync(file('folder'));
  writeFileSync(file('taken'), 'a file');
  expect(
    retrograd([...TRAIN, '--steps', '4', '--out', 'run', '--stop-at', '2'], { cwd }).code,
  ).toBe(0);
  expect(retrograd([...TRAIN, '--steps', '2', '--out', 'complete'], { cwd }).code).toBe(0);
  mkdirSync(file('unlogged'));
  copyFileSync(file('run/checkpoint.safetensors'), file('unlogged/checkpoint.safetensors'));
}

/** Makes the workspace for the tests of a file, and removes it after them. */
export function useWorkspace(): void {
  beforeAll(make);
  afterAll(() => remove());
}

/** Names, sizes and times of everything in the workspace. */
const snapshot = (): string =>
  (readdirSync(cwd, { recursive: true }) as string[])
    .sort()
    .map(
      (name) =>
        `${name} ${statSync(file(name)).size} ` +
        `${statSync(file(name)).isFile() ? statSync(file(name)).mtimeMs : ''}`,
    )
    .join('\n');

/** Expects one line on stderr that matches, the exit code, and that nothing was written. */
export function refused(
  words: readonly string[],
  code: number,
  message: RegExp,
  uid?: number,
): void {
  const before = snapshot();
  const outcome = retrograd(words, { cwd, uid });
  expect(outcome.stderr, words.join(' ')).toMatch(message);
  expect(outcome.code, outcome.stderr).toBe(code);
  expect(outcome.stderr).toMatch(/^retrograd: [^\n]+\. HINT: [^\n]+\n$/);
  expect(outcome.stderr).not.toMatch(/ at .*:\d+:\d+|node:internal|unexpected/);
  expect(outcome.stdout).toBe('');
  expect(snapshot()).toBe(before);
}
