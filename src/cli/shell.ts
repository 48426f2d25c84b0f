// Commands as people paste them into a shell: the program spelt as it was started, every other word
// quoted where a POSIX shell needs it. What is printed here stays one line, whatever a path holds.

import { accessSync, constants } from 'node:fs';
import { basename, delimiter, join, relative, resolve } from 'node:path';

/** Control characters, line separators and marks that turn the direction of text: a terminal shows
 *  them as something else. */
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
/** Needs no quotes in any shell that we know of. */
const PLAIN = /^[\w./:@%+,-][\w./:=@%+,-]*$/;

const octal = (character: string): string =>
  Array.from(
    new TextEncoder().encode(character),
    (byte) => `\\${byte.toString(8).padStart(3, '0')}`,
  ).join('');
const singleQuoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** A word as a shell reads it back. */
export function shellWord(word: string): string {
  if (PLAIN.test(word)) return word;
  if (word.search(UNSEEN) < 0) return singleQuoted(word);
  // A command substitution loses line breaks at its end, and not every shell knows $'...'.
  if (word.endsWith('\n')) return `$'${word.replace(/[\\']/g, '\\$&').replace(UNSEEN, octal)}'`;
  const format = word
    .replace(/[\\%]/g, (c) => c + c)
    .replace(/^-/, '\\055')
    .replace(UNSEEN, octal);
  return `"$(printf ${singleQuoted(format)})"`;
}

/** A path as the value of an argument: one that begins with a hyphen would be read as an option. */
export const pathWord = (path: string): string => (path.startsWith('-') ? `./${path}` : path);

/** How this process was started. */
export interface Start {
  /** argv[0], argv[1]: the runtime and the script. */
  argv: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  runtime: 'node' | 'bun' | 'deno';
}

const { bun, deno } = process.versions as Record<string, string | undefined>;
function runtimeOf(): Start['runtime'] {
  if (bun !== undefined) return 'bun';
  return deno !== undefined ? 'deno' : 'node';
}
const thisStart = (): Start => ({
  argv: process.argv,
  env: process.env,
  cwd: process.cwd(),
  runtime: runtimeOf(),
});

const isOnPath = (name: string, { env: { PATH = '' } }: Start): boolean =>
  PATH.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return folder !== '';
    } catch {
      return false;
    }
  });

/** The words that start this program again: `retrograd`, `npx retrograd`, `node dist/cli.js`, ...
 */
export function programName(start: Start = thisStart()): string {
  const script = resolve(start.cwd, start.argv[1] ?? 'retrograd');
  const name = basename(script);
  const near = relative(start.cwd, script);
  const path = near.length < script.length ? near : script;
  if (!/\.[cm]?[jt]s$/.test(name)) {
    // npm's PATH is not the user's
    if (start.env.npm_command !== undefined) return `npx ${shellWord(name)}`;
    return isOnPath(name, start)
      ? shellWord(name)
      : shellWord(path.includes('/') ? path : `./${path}`);
  }
  const runtime = isOnPath(start.runtime, start)
    ? start.runtime
    : shellWord(start.argv[0] ?? start.runtime);
  return `${runtime} ${start.runtime === 'deno' ? 'run -A ' : ''}${shellWord(pathWord(path))}`;
}

/** The words after the program's name, of the command that runs. */
let words: readonly string[] = [];
export function rememberWords(given: readonly string[]): void {
  words = given;
}

/** The command that runs, with more words: of an option given twice the last counts. */
export const commandAgain = (...more: readonly string[]): string => commandLine(...words, ...more);

/** A whole command of this program, to be pasted. */
export const commandLine = (...words: readonly string[]): string =>
  [programName(), ...words.map(shellWord)].join(' ');
