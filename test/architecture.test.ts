// The house's rules as a test: a folder of src imports only from folders above it in docs/architecture.md, no import cycles,
// files stay small, only wasm.ts and bench's peak loop name WebAssembly, only cli prints, and every public name is documented.

import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const list = (folder: string): string[] => readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.d.ts'))
  .map((entry) => normalize(join(entry.parentPath, entry.name)).slice(root.length + 1));
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const sources = list('src'), kernels = list('assembly');

/** Relative imports of a file, as paths from the root. */
function imports(file: string): string[] {
  return [...read(file).matchAll(/^(?:import|export)[^;]*?from '(\.[^']+)'/gms)].map((m) => {
    const path = normalize(join(dirname(file), m[1]));
    return path.endsWith('.ts') || path.endsWith('.json') || path.endsWith('.wasm') ? path : `${path}.ts`;
  });
}

/** The order of the house, from the bottom up; data may use only the first three. */
const ORDER = ['errors.ts', 'random.ts', 'core', 'tensor', 'kernels', 'ops', 'nn', 'reversible', 'models', 'train', 'checkpoint', 'data', 'index.ts', 'all.ts', 'thread.ts', 'verify', 'cli'];
const room = (file: string): string => file.split('/')[1];

describe('architecture', () => {
  test(`all ${sources.length} files of src import only from rooms above their own`, () => {
    expect(sources.length).toBeGreaterThan(30);
    const wrong = sources.flatMap((file) => imports(file).filter((to) => to.startsWith('src/')).filter((to) => {
      const from = ORDER.indexOf(room(file)), target = ORDER.indexOf(room(to));
      if (from < 0 || target < 0) return true;
      if (room(file) === 'data') return !['errors.ts', 'random.ts', 'core', 'data'].includes(room(to));
      return target > from;
    }).map((to) => `${file} -> ${to}`));
    expect(wrong).toEqual([]);
  });

  test('assembly and src do not import each other', () => {
    expect(sources.flatMap(imports).filter((to) => to.startsWith('assembly/'))).toEqual([]);
    expect(kernels.flatMap(imports).filter((to) => to.startsWith('src/'))).toEqual([]);
  });

  test('there are 0 import cycles', () => {
    const state = new Map<string, 'open' | 'done'>(), cycles: string[] = [];
    const visit = (file: string, path: string[]): void => {
      if (state.get(file) === 'done') return;
      if (state.get(file) === 'open') { cycles.push([...path.slice(path.indexOf(file)), file].join(' -> ')); return; }
      state.set(file, 'open');
      for (const to of imports(file)) if (to.endsWith('.ts')) visit(to, [...path, file]);
      state.set(file, 'done');
    };
    for (const file of [...sources, ...kernels]) visit(file, []);
    expect(cycles).toEqual([]);
  });

  test('no source file is longer than 500 lines', () => {
    const long = [...sources, ...kernels].map((file) => `${file}: ${read(file).split('\n').length}`).filter((line) => Number(line.split(': ')[1]) > 500);
    expect(long).toEqual([]);
  });

  test('only src/kernels/wasm.ts and the peak loop of bench name WebAssembly, only src/cli prints', () => {
    const code = (file: string): string => read(file).replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '');
    expect(sources.filter((file) => /\bWebAssembly\./.test(code(file))).sort()).toEqual(['src/cli/bench/peak.ts', 'src/kernels/wasm.ts']);
    expect(sources.filter((file) => room(file) !== 'cli' && /\bconsole\.|process\.std/.test(code(file)))).toEqual([]);
  });

  test('no path that reaches a weight uses a function without a specified last bit', () => {
    const rooms = ['tensor', 'kernels', 'ops', 'nn', 'reversible', 'models', 'train', 'random.ts'];
    const used = sources.filter((file) => rooms.includes(room(file))).flatMap((file) =>
      [...read(file).matchAll(/Math\.(exp|expm1|log|log2|log10|log1p|sin|cos|tan|tanh|sinh|cosh|pow|cbrt|hypot|random)\b/g)].map((m) => `${file}: ${m[0]}`));
    const isKnown = (line: string): boolean => /schedule\.ts|core\/digest\.ts: Math\.cbrt/.test(line); // tested to the last bit
    expect(used.filter((line) => !isKnown(line))).toEqual([]);
  });

  test('every exported function, class and interface member of the public files has a docstring or a one-line meaning', () => {
    const names = [...read('src/index.ts').matchAll(/(?:type )?(\w+)(?=[,} ])/g)].map((m) => m[1]);
    const undocumented = sources.filter((file) => room(file) !== 'cli').flatMap((file) => [...read(file).matchAll(/(^|\n)((?:\/\/[^\n]*|[^\n]*\*\/|[^\n]*)?)\nexport (?:async )?(?:function|class) (\w+)/g)]
      .filter((m) => names.includes(m[3]) && !m[2].includes('*/')).map((m) => `${file}: ${m[3]}`));
    expect(undocumented).toEqual([]);
  });
});
