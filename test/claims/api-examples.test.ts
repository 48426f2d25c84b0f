// Every public name has a docstring, every public function and class an example, and every example
// prints what its comments say: they run for real on dist/, each as a module of its own, with the
// public names that it uses imported.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { ENTRIES } from '../../.ci/entries.mjs';
import { type PublicName, publicNames } from '../helpers/api-docs.ts';

const root = join(import.meta.dirname, '../..');
const names = publicNames();
const forUsers = names.filter(({ isInternal }) => !isInternal);
const folder = mkdtempSync(join(tmpdir(), 'retrograd-examples-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What a console.log prints may stand on the lines below it. */
const joined = (code: string): string =>
  code.replace(
    /^(\s*console\.log\(.*\);)((?:\n\s*\/\/ .*)+)/gm,
    (_, call, lines) => `${call} //${lines.replace(/\n\s*\/\//g, '')}`,
  );

/** All examples: of a name or a member of a class. */
const examples = forUsers
  .flatMap(({ name, examples: own, members }) => [
    ...own.map((code) => ({ of: name, code })),
    ...members.flatMap((member) =>
      member.examples.map((code) => ({ of: `${name}.${member.name}`, code })),
    ),
  ])
  .map(({ of, code }, i) => ({ of, code: joined(code), title: `${of}, example ${i}` }));

const FILES: Record<PublicName['entry'], string> = {
  retrograd: 'dist/index.js',
  'retrograd/thread': 'dist/serve.js',
  ...Object.fromEntries(ENTRIES.map((name) => [`retrograd/${name}`, `dist/${name}.js`])),
};
/** A call of console.log on one line, and what it prints if the line says so. */
const LOG = /\bconsole\.log\((?=.*\);)/;
const EXPECTED = /\); \/\/ (.*)$/;

/** An example as a module: imports in front, and every line's console.log tells its line. */
function moduleOf(code: string): string {
  const used = forUsers.filter(
    (one) => one.isValue && new RegExp(`(?<![\\w.])${one.name}\\b`).test(code),
  );
  const imports = Object.entries(FILES).map(([entry, file]) => {
    const names = used.filter((one) => one.entry === entry).map(({ name }) => name);
    return names.length === 0
      ? ''
      : `import { ${names.join(', ')} } from ` +
          `${JSON.stringify(pathToFileURL(join(root, file)).href)};\n`;
  });
  return (
    imports.join('') +
    code
      .split('\n')
      .map((line, i) => line.replace(LOG, `globalThis.print(${i}, `))
      .join('\n')
  );
}

/** Runs every example in one process; what each line printed, or the error. */
function runAll(): { printed: [number, string][]; error?: string }[] {
  for (const [i, { code }] of examples.entries())
    writeFileSync(join(folder, `${i}.mjs`), moduleOf(code));
  writeFileSync(
    join(folder, 'all.mjs'),
    `import { format } from 'node:util';
import { writeFileSync } from 'node:fs';
const results = [];
globalThis.print = (line, ...values) => results.at(-1).printed.push([line, format(...values)]);
for (let i = 0; i < ${examples.length}; i++) {
  results.push({ printed: [] });
  await import(\`./\${i}.mjs\`).catch((error) => {
    results.at(-1).error = String(error?.stack ?? error);
  });
}
writeFileSync(new URL('results.json', import.meta.url), JSON.stringify(results));
process.exit(0);
`,
  );
  const { status, stderr } = spawnSync(process.execPath, [join(folder, 'all.mjs')], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr.slice(-2000));
  return JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8'));
}
const results = runAll();

describe('public names', () => {
  test('every public name is for users', () => {
    expect(forUsers.length).toBeGreaterThan(150);
    expect(names.filter(({ isInternal }) => isInternal)).toEqual([]);
  });

  test('every public name and every member of a public class or interface has a docstring', () => {
    const missing = names.flatMap(({ name, doc, members }) => [
      ...(doc === '' ? [name] : []),
      ...members.filter((one) => one.doc === '').map((one) => `${name}.${one.name}`),
    ]);
    expect(missing).toEqual([]);
  });

  test('every public function and class has an example, and so has every method of a class', () => {
    const called = forUsers.filter(({ kind }) => kind === 'function' || kind === 'class');
    expect(called.length).toBeGreaterThan(80);
    expect(called.filter((one) => one.examples.length === 0).map(({ name }) => name)).toEqual([]);
    const methods = forUsers
      .filter(({ kind }) => kind === 'class')
      .flatMap(({ name, members }) =>
        members
          .filter(({ isMethod }) => isMethod)
          .map((member) => ({ ...member, name: `${name}.${member.name}` })),
      );
    expect(methods.filter((one) => one.examples.length === 0).map(({ name }) => name)).toEqual([]);
    const found = methods.map(({ name }) => name);
    for (const [name, list] of Object.entries({
      Trainer: [
        'create',
        'ready',
        'close',
        'step',
        'computeGradients',
        'evaluate',
        'predict',
        'predictor',
        'gradient',
        'tensors',
        'restore',
        'weightsSha256',
      ],
      Planner: [
        'create',
        'parameter',
        'find',
        'within',
        'repeated',
        'own',
        'allocate',
        'scratch',
        'finish',
      ],
      Vocabulary: ['bytes', 'ofText', 'fromJson', 'toJson', 'encode', 'decode'],
      BytePairs: ['learn', 'fromJson', 'toJson', 'encode', 'decode'],
      Tokenizer: [
        'train',
        'fromJson',
        'fromFiles',
        'toJson',
        'toFiles',
        'encode',
        'encodeOrdinary',
        'decode',
        'decodeBytes',
        'decoder',
        'tokenToId',
      ],
      TokenDecoder: ['take', 'end'],
      PairData: ['encode', 'copy', 'pairAt'],
    }))
      for (const method of list) expect(found).toContain(`${name}.${method}`);
  });
});

describe('examples', () => {
  test.each(examples.map((example, i) => ({ ...example, i })))(
    '$title prints what it says',
    ({ code, i }) => {
      const { printed, error } = results[i];
      expect(error).toBeUndefined();
      expect(printed.length).toBeGreaterThan(0);
      const lines = code.split('\n');
      const said = lines
        .map((line, at) => [at, EXPECTED.exec(line)?.[1]] as const)
        .filter(([at, text]) => text !== undefined && LOG.test(lines[at]));
      expect(printed.filter(([at]) => EXPECTED.test(lines[at]))).toEqual(said);
    },
  );

  test('nearly every line that prints says what', () => {
    const silent = examples.flatMap(({ of, code }) =>
      code
        .split('\n')
        .filter((line) => LOG.test(line) && !EXPECTED.test(line))
        .map(() => of),
    );
    expect(silent).toEqual(['ReconstructionError', 'describeRuntime', 'formatReport']);
  });
});
