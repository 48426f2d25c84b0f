// The peaks that products are measured against: the most multiply-accumulates a second that one
// instruction gives on one core, with one operand loaded from the first-level cache and the sums in
// registers. A WebAssembly module of one function, encoded here so that no compiler can reorder it;
// in text form, for i32x4.dot_i16x8_s with 8 sums:
//
//   (memory (export "memory") 1)
//   (func (export "run") (param $base i32) (param $size i32) (param $turns i32) (result i32)
//     ;; size a multiple of 64
//     x = load(base); y = load(base + 16); end = base + size; c0..c7 = 0
//     (loop $again
//       p = base
//       (loop $next            ;; 4 loads, 8 dots, 8 additions: 64 multiply-accumulates
//         b = load(p);      c0 += dot(x, b); c4 += dot(y, b)
//         b = load(p + 16); c1 += dot(x, b); c5 += dot(y, b)
//         b = load(p + 32); c2 += dot(x, b); c6 += dot(y, b)
//         b = load(p + 48); c3 += dot(x, b); c7 += dot(y, b)
//         (br_if $next (i32.lt_u (local.tee p (i32.add p 64)) end)))
//       (br_if $again (local.tee turns (i32.sub turns 1))))
//     (i32x4.extract_lane 0 (c0 + c1 + .. + c7)))
//
// i32x4.relaxed_dot_i8x16_i7x16_add_s adds by itself and has 12 sums: with x, y and b they are the
// 15 registers that V8 has on x64. i16x8.relaxed_dot_i8x16_i7x16_s, then
// i32x4.extadd_pairwise_i16x8_s and i32x4.add, has 10: each product needs a register, too.

/** The instruction of a loop: of int16 operands, or of int8, in one or by pairs. */
export type PeakOf = 'int16' | 'int8' | 'pairs';

const BASE = 1024;
/** Vectors that a turn of the inner loop loads, bytes that are loaded before it begins again (a
 *  quarter of a first-level cache of 32 KiB, in whole turns), and multiply-accumulates of these. */
const LOOPS = {
  int16: { vectors: 4, size: 8192, macs: 8192 },
  int8: { vectors: 6, size: 8160, macs: 16320 },
  pairs: { vectors: 5, size: 8160, macs: 16320 },
};

const unsigned = (n: number): number[] => (n < 128 ? [n] : [(n & 127) | 128, ...unsigned(n >> 7)]);
/** Signed LEB128 of 0..8191. */
const constant = (n: number): number[] => [0x41, ...(n < 64 ? [n] : [(n & 127) | 128, n >> 7])];
const vector = (items: number[][]): number[] => [...unsigned(items.length), ...items.flat()];
const sized = (bytes: number[]): number[] => [...unsigned(bytes.length), ...bytes];
const section = (id: number, content: number[]): number[] => [id, ...sized(content)];
const text = (s: string): number[] => sized(Array.from(s, (c) => c.charCodeAt(0)));

const I32 = 0x7f;
const V128 = 0x7b;
const VOID = 0x40;
const get = (local: number): number[] => [0x20, ...unsigned(local)];
const set = (local: number): number[] => [0x21, ...unsigned(local)];
const tee = (local: number): number[] => [0x22, ...unsigned(local)];
const simd = (op: number, ...immediates: number[]): number[] => [
  0xfd,
  ...unsigned(op),
  ...immediates,
];
const load = (pointer: number, offset: number): number[] => [
  ...get(pointer),
  ...simd(0x00, 4, ...unsigned(offset)),
];
const ADD = simd(0xae);
/** c + the dot product of x and b, on the stack. */
function dot(of: PeakOf, x: number, b: number, c: number): number[] {
  if (of === 'int8') return [...get(x), ...get(b), ...get(c), ...simd(0x113)];
  const product = of === 'int16' ? simd(0xba) : [...simd(0x112), ...simd(0x7e)];
  return [...get(c), ...get(x), ...get(b), ...product, ...ADD];
}
const ADD_I32 = 0x6a;
const SUB_I32 = 0x6b;
const LT_U = 0x49;
// ends with br_if 0, end
const loop = (body: number[]): number[] => [0x03, VOID, ...body, 0x0d, 0, 0x0b];

function encode(of: PeakOf): Uint8Array<ArrayBuffer> {
  const { vectors } = LOOPS[of];
  const BASE_AT = 0;
  const SIZE_AT = 1;
  const TURNS = 2;
  const P = 3;
  const END = 4;
  const X = 5;
  const Y = 6;
  const B = 7;
  const C = 8;
  const sums = Array.from({ length: 2 * vectors }, (_, i) => C + i);
  const step = [
    ...sums
      .slice(0, vectors)
      .flatMap((c, i) => [
        ...load(P, 16 * i),
        ...set(B),
        ...dot(of, X, B, c),
        ...set(c),
        ...dot(of, Y, B, c + vectors),
        ...set(c + vectors),
      ]),
    ...get(P),
    ...constant(16 * vectors),
    ADD_I32,
    ...tee(P),
    ...get(END),
    LT_U,
  ];
  const body = [
    ...load(BASE_AT, 0),
    ...set(X),
    ...load(BASE_AT, 16),
    ...set(Y),
    ...get(BASE_AT),
    ...get(SIZE_AT),
    ADD_I32,
    ...set(END),
    ...loop([
      ...get(BASE_AT),
      ...set(P),
      ...loop(step),
      ...get(TURNS),
      ...constant(1),
      SUB_I32,
      ...tee(TURNS),
    ]),
    ...get(C),
    ...sums.slice(1).flatMap((c) => [...get(c), ...ADD]),
    ...simd(0x1b, 0),
    0x0b,
  ];
  const locals = vector([
    [2, I32],
    [3 + sums.length, V128],
  ]);
  return new Uint8Array([
    0,
    97,
    115,
    109,
    1,
    0,
    0,
    0,
    ...section(1, vector([[0x60, 3, I32, I32, I32, 1, I32]])),
    ...section(3, vector([[0]])),
    ...section(5, vector([[0, 1]])),
    ...section(
      7,
      vector([
        [...text('memory'), 2, 0],
        [...text('run'), 0, 0],
      ]),
    ),
    ...section(10, vector([sized([...locals, ...body])])),
  ]);
}

/** A loop. `run(turns)` does turns * `macs` multiply-accumulates and returns the milliseconds. */
export interface Peak {
  readonly macs: number;
  run(turns: number): number;
}

/** Throws if the loop does not sum what plain arithmetic sums, or if the runtime has not the
 *  instruction. */
export function createPeak(of: PeakOf = 'int16'): Peak {
  const { size, macs } = LOOPS[of];
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(encode(of)));
  const { memory, run } = exports as unknown as {
    memory: WebAssembly.Memory;
    run(base: number, size: number, turns: number): number;
  };
  const data =
    of === 'int16'
      ? new Int16Array(memory.buffer, BASE, size / 2).map(
          (_, i) => ((i * 2654435761) % 4096) - 2048,
        )
      : new Int8Array(memory.buffer, BASE, size).map((_, i) => (i * 2654435761) % 127);
  new Uint8Array(memory.buffer, BASE).set(new Uint8Array(data.buffer));
  const expected = firstLanes(data);
  const sum = run(BASE, size, 1);
  if (sum !== expected) throw new Error(`the peak loop sums ${sum}, expected ${expected}`);
  return {
    macs,
    run: (turns) => {
      const start = performance.now();
      run(BASE, size, turns);
      return performance.now() - start;
    },
  };
}

/** Lane 0 of all sums: what x and y have there times the same of every vector of the data. */
function firstLanes(data: Int16Array | Int8Array): number {
  const each = 16 / data.BYTES_PER_ELEMENT;
  let sum = 0;
  for (let i = 0; i < data.length; i += each)
    for (const x of [0, each])
      for (let j = 0; j < each / 4; j++) sum = (sum + data[x + j] * data[i + j]) | 0;
  return sum;
}
