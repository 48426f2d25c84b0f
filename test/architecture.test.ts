// The house's rules as a test: a folder of src imports only from folders above it in
// docs/architecture.md, no import cycles, files stay small, only wasm.ts and bench's peak loop name
// WebAssembly, only cli prints, and every public name is documented.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const list = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter(({ name }) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
    .map((entry) => normalize(join(entry.parentPath, entry.name)).slice(root.length + 1));
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
/** A file without its comments. */
const code = (file: string): string =>
  read(file)
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/\/\/.*$/gm, '');
/** Files that people read, of every room of the repository. */
const everything = ['src', 'assembly', 'test', 'bench', 'docs', '.ci'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name).replaceAll('\\', '/'))
    .filter((file) => /\.(ts|mts|mjs|js|md|html|css|py|json|svg)$/.test(file)),
);
/** What is generated or measured, or installed. */
const isData = new RegExp(
  [
    '^src/(kernels/reference/tables\\.ts$|verify/published/)',
    '^(test/golden|bench/results|docs/api)/',
    '\\bnode_modules/',
  ].join('|'),
);
const sources = list('src');
const kernels = list('assembly');

/** Relative imports of a file, as paths from the root. */
function imports(file: string): string[] {
  const found = [...read(file).matchAll(/^(?:import|export)[^;]*?from '(\.[^']+)'/gms)];
  return found.map(([, to]) => {
    const path = normalize(join(dirname(file), to));
    return /\.(ts|json|wasm)$/.test(path) ? path : `${path}.ts`;
  });
}

/** The order of the house, from the bottom up; data may use core only. */
const ORDER = [
  'core',
  'memory',
  'kernels',
  'threads',
  'ops',
  'layers',
  'reversible',
  'loss',
  'optim',
  'models',
  'train',
  'data',
  'checkpoint',
  'index.ts',
  'serve.ts',
  'thread.ts',
  'tokenizer',
  'verify',
  'receipt',
  'distributed',
  'nats',
  'generate',
  'codec',
  'import',
  'export',
  'cli',
];
const room = (file: string): string => file.split('/')[1];

function isAllowed(file: string, to: string): boolean {
  const from = ORDER.indexOf(room(file));
  const target = ORDER.indexOf(room(to));
  if (from < 0 || target < 0) return false;
  if (room(file) === 'data') return ['core', 'data'].includes(room(to));
  return target <= from;
}

/** Import cycles from files on, as paths from a file to itself. */
function cyclesOf(files: readonly string[]): string[] {
  const state = new Map<string, 'open' | 'done'>();
  const cycles: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    if (state.get(file) === 'done') return;
    if (state.get(file) === 'open') {
      cycles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
      return;
    }
    state.set(file, 'open');
    for (const to of imports(file)) if (to.endsWith('.ts')) visit(to, [...path, file]);
    state.set(file, 'done');
  };
  for (const file of files) visit(file, []);
  return cycles;
}

describe('architecture', () => {
  test(`all ${sources.length} files of src import only from rooms above their own`, () => {
    expect(sources.length).toBeGreaterThan(30);
    const wrong = sources.flatMap((file) => {
      const own = imports(file).filter((to) => to.startsWith('src/'));
      return own.filter((to) => !isAllowed(file, to)).map((to) => `${file} -> ${to}`);
    });
    expect(wrong).toEqual([]);
  });

  test('the command line has no code of the library but by its public names', () => {
    const beyond = (to: string): boolean => /^src\/(?!cli\/).*\.ts$/.test(to);
    const found = sources
      .filter((file) => room(file) === 'cli')
      .flatMap((file) =>
        imports(file)
          .filter(beyond)
          .map((to) => `${file} -> ${to}`),
      );
    expect(found).toEqual([
      'src/cli/library.ts -> src/codec/index.ts',
      'src/cli/library.ts -> src/distributed/index.ts',
      'src/cli/library.ts -> src/export/index.ts',
      'src/cli/library.ts -> src/generate/index.ts',
      'src/cli/library.ts -> src/import/index.ts',
      'src/cli/library.ts -> src/index.ts',
      'src/cli/library.ts -> src/nats/index.ts',
      'src/cli/library.ts -> src/receipt/index.ts',
      'src/cli/library.ts -> src/tokenizer/index.ts',
      'src/cli/library.ts -> src/verify/index.ts',
    ]);
  });

  test('every room of the order is there', () => {
    expect([...new Set(sources.map(room))].sort()).toEqual([...ORDER].sort());
  });

  test('assembly and src do not import each other', () => {
    const isOf = (folder: string) => (to: string) => to.startsWith(`${folder}/`);
    expect(sources.flatMap(imports).filter(isOf('assembly'))).toEqual([]);
    expect(kernels.flatMap(imports).filter(isOf('src'))).toEqual([]);
  });

  test('there are 0 import cycles', () => {
    expect(cyclesOf([...sources, ...kernels])).toEqual([]);
  });

  test('no file of code, tests, generators and pages is longer than 400 lines but three', () => {
    const written = everything.filter((file) => !isData.test(file));
    expect(written.length).toBeGreaterThan(400);
    const longer = written.filter((file) => read(file).split('\n').length > 401);
    // the contract; the pages that hold every help text and every docstring of the contract
    expect(longer.sort()).toEqual([
      'docs/command-line.md',
      'docs/conformance.md',
      'src/kernels/kernels.ts',
    ]);
  });

  test('no line of code, of tests and of generators is longer than 100 columns', () => {
    const files = everything.filter(
      (file) => /\.(ts|mts|mjs|js)$/.test(file) && !isData.test(file) && !/\.d\.ts$/.test(file),
    );
    expect(files.length).toBeGreaterThan(300);
    const long = files.flatMap((file) =>
      read(file)
        .split('\n')
        .flatMap((line, i) => (line.length > 100 ? [`${file}:${i + 1}`] : [])),
    );
    expect(long).toEqual([]);
  });

  test('only wasm.ts and the peak loop of bench name WebAssembly, only src/cli prints', () => {
    const naming = sources.filter((file) => /\bWebAssembly\./.test(code(file)));
    expect(naming.sort()).toEqual(['src/cli/bench/peak.ts', 'src/kernels/wasm.ts']);
    const printing = sources.filter((file) => /\bconsole\.|process\.std/.test(code(file)));
    expect(printing.filter((file) => room(file) !== 'cli')).toEqual([]);
  });

  test('no path that reaches a weight uses a function without a specified last bit', () => {
    const rooms = ORDER.slice(0, ORDER.indexOf('data'));
    const free =
      /Math\.(exp|expm1|log|log2|log10|log1p|sin|cos|tan|tanh|sinh|cosh|pow|cbrt|hypot|random)\b/g;
    const used = sources
      .filter((file) => rooms.includes(room(file)))
      .flatMap((file) => [...code(file).matchAll(free)].map(([name]) => `${file}: ${name}`));
    const isKnown = (line: string): boolean =>
      /schedule\.ts|core\/digest\.ts: Math\.cbrt/.test(line); // tested to the last bit
    expect(used.filter((line) => !isKnown(line))).toEqual([]);
  });

  test('every public function and class has a docstring', () => {
    const names = [...read('src/index.ts').matchAll(/(?:type )?(\w+)(?=[,} ])/g)].map((m) => m[1]);
    const declared =
      /(^|\n)((?:\/\/[^\n]*|[^\n]*\*\/|[^\n]*)?)\nexport (?:async )?(?:function|class) (\w+)/g;
    const undocumented = sources
      .filter((file) => room(file) !== 'cli')
      .flatMap((file) =>
        [...read(file).matchAll(declared)]
          .filter(([, , before, name]) => names.includes(name) && !before.includes('*/'))
          .map(([, , , name]) => `${file}: ${name}`),
      );
    expect(undocumented).toEqual([]);
  });
});
