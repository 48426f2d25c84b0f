// What the generated documents are made from: TypeScript modules of src, docstrings, result files,
// and the built command line.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, resultFile } from '../../bench/stamp.mjs';

export const read = (file) => readFileSync(join(ROOT, file), 'utf8');

/** A result file, or undefined if that benchmark has not been run. */
export function result(name) {
  const file = resultFile(name);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}

/** The lines of a docstring as text, without its decoration. */
const docLines = (doc) => doc.split('\n').map((line) => line.replace(/^\s*\*? ?/, '').trim());

/** Constants `export const NAME = ...` with a docstring, in order; those that share one are
 *  together: [{ names, doc }]. */
export function documentedConstants(file) {
  return [
    ...read(file).matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n((?:export const [^\n]*\n)+)/g),
  ].map(([, doc, lines]) => ({
    names: [...lines.matchAll(/^export const (\w+) = /gm)].map(([, name]) => name),
    doc: docLines(doc).join(' ').trim(),
  }));
}

/** The first sentence of a docstring; of a block of formulas that follows a colon, the first line.
 */
function firstSentence(doc) {
  const lines = docLines(doc);
  const text = [];
  for (const [i, line] of lines.entries()) {
    const [sentence, more] = line.split(/(?<! al)\.(?: |$)/, 2);
    text.push(sentence);
    if (more !== undefined) break;
    if (lines[i - 1]?.endsWith(':')) break;
  }
  return text
    .join(' ')
    .replace(/[;:,] *$/, '')
    .replace(/ +/g, ' ');
}

/** The kernels of the contract by section: [{ title, files, kernels: [{ name, computes }] }]. */
export function contract() {
  const text = read('src/kernels/kernels.ts');
  const sections = [];
  const body = text.slice(
    text.indexOf('export interface Kernels {'),
    text.indexOf('export interface Backend'),
  );
  for (const [, title, files, doc, name] of body.matchAll(
    /\/\/ -{4} ([^:\n]+): ([\w., -]+?) -+\n|\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n\s*(\w+)\(/g,
  ))
    if (title !== undefined) sections.push({ title, files: files.split(', '), kernels: [] });
    else sections.at(-1).kernels.push({ name, computes: firstSentence(doc) });
  return sections;
}

/** The error bounds that the kernels' tests assert against float64: [{ what, bound, file }]. A test
 *  over a table of [..., bound] gives all of the table's bounds. */
export function errorBounds() {
  return readdirSync(join(ROOT, 'test/kernels'))
    .filter((name) => name.endsWith('.test.ts'))
    .sort()
    .flatMap((name) => {
      const file = `test/kernels/${name}`;
      const text = read(file);
      return [...text.matchAll(/expectAtMost\(\s*([^,]+),\s*(['"`])(.*?)\2,?\s*\)/g)]
        .filter(([, , , what]) => what !== 'a seeded fault')
        .map((match) => {
          const [, bound, , what] = match;
          const cases = [
            ...text.slice(0, match.index).matchAll(/\bbound\] of (\[[\s\S]*?\n? *\]) as const/g),
          ].at(-1);
          const bounds =
            bound === 'bound'
              ? JSON.parse(cases[1].replace(/,(?=\s*\])/g, '')).map((row) => row.at(-1))
              : [bound];
          return { what: what.replace(/\$\{(\w+)\}/g, '$1'), bound: bounds.join(', '), file };
        });
    });
}

/** What Node prints for these arguments, run at the root of the repository. */
export function run(...args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...process.env, COLUMNS: '110', NO_COLOR: '1' },
  });
  if (status === 0) return stdout.trimEnd();
  throw new Error(
    `node ${args[0]} exited with ${status}: ` +
      `${/^\S*Error: .*$/m.exec(stderr)?.[0] ?? stderr.slice(-300)}`,
  ); // the bundle's lines are long
}
/** What a command of the built command line prints. */
export const runCli = (...args) => run(join(ROOT, 'dist', 'cli.js'), ...args);
/** What `npm run experiment` prints. */
export const runExperiment = (...args) =>
  run(join(ROOT, 'bench', 'experiments', 'run.mjs'), ...args);

/** The first JavaScript block of a document. */
export const exampleOf = (file) => /```js\n([\s\S]*?)```/.exec(read(file))[1];
