// The back ends of products of 8 bit operands, and what the contract (src/kernels/int8.ts) says
// that packed rows and columns are, written from its formulas: as the int16 that they stand for,
// and as the bytes of the relaxed instruction's layout (assembly/int8/layout.ts).

import { readFileSync } from 'node:fs';
import type { Int8Build, Int8Kernels } from '../../src/kernels/int8.ts';
import { withWideProducts } from '../../src/kernels/int8-layout.ts';
import { attachInt8 } from '../../src/kernels/int8-wasm.ts';
import type { Backend } from '../../src/kernels/kernels.ts';
import { int8Packing } from '../../src/kernels/reference/int8.ts';
import { relaxedKernels } from '../../src/kernels/reference/int8-relaxed.ts';
import type { Memory } from '../../src/kernels/reference/memory.ts';
import { instantiateOn } from '../../src/kernels/wasm.ts';
import { BACKEND_TABLE } from './backends.ts';
import { packed, Source } from './data.ts';

/** A back end with kernels for int8, and where their operands lie. */
export interface Int8Party {
  readonly build: Int8Build;
  readonly backend: Backend;
}

/** The plain TypeScript kernels on a reference back end. */
export function withReference(backend: Backend): Backend {
  const memory = backend.memory as Memory;
  const baseline = withWideProducts(int8Packing(memory), backend);
  const relaxed = relaxedKernels(memory);
  return { ...backend, int8: (build) => (build === 'baseline' ? baseline : relaxed) };
}

/** The build with assertions, whose layouts are those of the relaxed one and whose instruction is
 *  put together from those that every engine has. */
export function withChecked(backend: Backend): Backend {
  const exports = instantiateOn(built('int8-checked'), backend.memory as WebAssembly.Memory);
  return { ...backend, int8: () => exports as unknown as Int8Kernels };
}

/** `wide`: the baseline's packing for the int16 kernels with their assertions. */
const PARTIES = {
  reference: ['baseline', () => withReference(BACKEND_TABLE.reference())],
  'reference, relaxed': ['relaxed', () => relaxedReference(BACKEND_TABLE.reference())],
  baseline: ['baseline', () => attached('release', 'baseline')],
  wide: ['baseline', () => attached('checked', 'baseline')],
  checked: ['relaxed', () => withChecked(BACKEND_TABLE.checked())],
  relaxed: ['relaxed', () => attached('release', 'relaxed')],
  pairs: ['pairs', () => attached('release', 'pairs')],
} as const;

/** That of the relaxed layout, whatever is asked for. */
function relaxedReference(backend: Backend): Backend {
  const kernels = relaxedKernels(backend.memory as Memory);
  return { ...backend, int8: () => kernels };
}

function attached(name: 'release' | 'checked', build: Int8Build): Backend {
  const backend = BACKEND_TABLE[name]();
  const kernels = attachInt8(backend, build);
  return { ...backend, int8: () => kernels };
}

const built = (name: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(readFileSync(new URL(`../../build/${name}.wasm`, import.meta.url)));

/** Whether this runtime takes the module with relaxed instructions, be its numbers right or not:
 *  the library would do without it, and no test would tell. */
export const takesRelaxed = WebAssembly.validate(built('int8-relaxed'));

export const PARTY_NAMES = (Object.keys(PARTIES) as (keyof typeof PARTIES)[]).filter(
  (name) => (name !== 'relaxed' && name !== 'pairs') || takesRelaxed,
);

const made = new Map<string, Int8Party>();
/** A back end by name; made once a test file. */
export function int8Party(name: keyof typeof PARTIES): Int8Party {
  const [build, make] = PARTIES[name];
  const party = made.get(name) ?? { build, backend: make() };
  made.set(name, party);
  return party;
}

/** All that this runtime can have. */
export const int8Parties = (): Int8Party[] => PARTY_NAMES.map(int8Party);

const upTo = (n: number, multiple: number): number => Math.ceil(n / multiple) * multiple;
const largest = (values: readonly number[]): number =>
  values.reduce((max, v) => Math.max(max, Math.abs(v)), 0);

/** A row or a column as the contract rounds it: elements, and the scale of all of them. */
export interface Rounded {
  readonly scale: number;
  readonly elements: readonly number[];
}

/** A row: `draw` gives an element's byte of noise; without it to the nearest. */
export function roundedRow(values: readonly number[], draw?: (p: number) => number): Rounded {
  let scale = 1;
  while (127 * scale < largest(values)) scale *= 2;
  const added = (p: number): number =>
    draw === undefined ? Math.floor(scale / 2) : draw(p) % scale;
  return { scale, elements: values.map((v, p) => Math.floor((v + added(p)) / scale)) };
}

/** A column. */
export function roundedColumn(values: readonly number[]): Rounded {
  let scale = 1;
  while (63 * scale < largest(values)) scale++;
  const inverse = Math.min(32767, Math.floor((Math.floor(65536 / scale) + 1) / 2));
  return {
    scale,
    elements: values.map((v) => Math.floor((v * inverse + 2 ** 14) / 2 ** 15)),
  };
}

const meant = ({ scale, elements }: Rounded): number[] => elements.map((q) => q * scale);

/** Packed rows of k elements, in the layout of a build; `filler` where nothing is written. */
export function packedRows(
  build: Int8Build,
  rows: readonly Rounded[],
  k: number,
  filler: (at: number) => number,
): Int32Array {
  const filled = upTo(k, 16);
  if (build === 'baseline') {
    const out = new Int16Array(rows.length * filled);
    for (const [r, row] of rows.entries()) out.set(meant(row), r * filled);
    return new Int32Array(out.buffer);
  }
  const header = 4 * upTo(2 + Math.ceil(k / 128), 4);
  const out = Uint8Array.from({ length: rows.length * (header + filled) }, (_, at) => filler(at));
  for (const [r, { scale, elements }] of rows.entries()) {
    const at = r * (header + filled);
    const taken = (from: number, to: number): number =>
      elements.slice(from, to).reduce((sum, q) => sum - 64 * q, 0);
    const parts = Array.from({ length: Math.ceil(k / 128) }, (_, i) =>
      taken(128 * i, 128 * i + 128),
    );
    out.set(new Uint8Array(Int32Array.of(scale, taken(0, k), ...parts).buffer), at);
    out.set(new Uint8Array(filled), at + header);
    out.set(new Uint8Array(Int8Array.from(elements).buffer), at + header);
  }
  return new Int32Array(out.buffer);
}

/** A panel of up to 8 columns for the relaxed instruction. */
function panelBytes(columns: readonly Rounded[], k: number): number[] {
  const panel = Array.from({ length: 8 }, (_, j) => columns[j] ?? { scale: 1, elements: [] });
  const factors = Int32Array.from(panel, ({ scale }) => scale);
  const out = [...new Uint8Array(factors.buffer)];
  for (let p = 0; p < k; p += 4)
    for (const { elements } of panel)
      for (let i = p; i < p + 4; i++) out.push(64 + (elements[i] ?? 0));
  return out;
}

/** The same numbers as a matrix of int16s in panels of 16 columns. */
function widePanels(columns: readonly Rounded[], k: number): Int16Array {
  const values = columns.map(meant);
  const B = Array.from({ length: k }, (_, p) => values.map((column) => column[p]));
  return packed(B.flat(), k, columns.length);
}

/** Packed columns of k elements, in the layout of a build. */
export function packedColumns(
  build: Int8Build,
  columns: readonly Rounded[],
  k: number,
): Int32Array {
  if (build === 'baseline') return new Int32Array(widePanels(columns, k).buffer);
  const panels: number[] = [];
  for (let first = 0; first < columns.length; first += 8)
    panels.push(...panelBytes(columns.slice(first, first + 8), k));
  return new Int32Array(Uint8Array.from(panels).buffer);
}

/** n random bytes. */
export function noiseOf(seed: number, n: number): Uint8Array {
  const source = new Source(seed, 3);
  return Uint8Array.from({ length: n }, () => source.between(0, 255));
}
