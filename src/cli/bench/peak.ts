// The peak that gemm is measured against: the most multiply-accumulates a second that
// i32x4.dot_i16x8_s and i32x4.add give on one core, with one operand loaded from the first-level
// cache and 8 sums in registers. A WebAssembly module of one function, encoded here so that no
// compiler can reorder it; in text form:
//
//   (memory (export "memory") 1)
//   (func (export "run") (param $base i32) (param $size i32) (param $turns i32) (result i32)
//     ;; size a multiple of 64
//     x = load(base); y = load(base + 16); end = base + size; c0..c7 = 0
//     (loop $again
//       p = base
//       (loop $next            ;; 4 loads, 8 dots, 8 additions: 64 multiply-accumulates
//         b0 = load(p); b1 = load(p + 16); b2 = load(p + 32); b3 = load(p + 48)
//         c0 += dot(x, b0); c1 += dot(x, b1); c2 += dot(x, b2); c3 += dot(x, b3)
//         c4 += dot(y, b0); c5 += dot(y, b1); c6 += dot(y, b2); c7 += dot(y, b3)
//         (br_if $next (i32.lt_u (local.tee p (i32.add p 64)) end)))
//       (br_if $again (local.tee turns (i32.sub turns 1))))
//     (i32x4.extract_lane 0 (c0 + c1 + .. + c7)))

/** Bytes of the operand that is loaded: a quarter of a first-level cache of 32 KiB. */
const SIZE = 8192;
const BASE = 1024;
/** Multiply-accumulates of one pass over it. */
const PASS = SIZE;

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
const DOT = simd(0xba);
const ADD_I32 = 0x6a;
const SUB_I32 = 0x6b;
const LT_U = 0x49;
// ends with br_if 0, end
const loop = (body: number[]): number[] => [0x03, VOID, ...body, 0x0d, 0, 0x0b];

function encode(): Uint8Array<ArrayBuffer> {
  const BASE_AT = 0;
  const SIZE_AT = 1;
  const TURNS = 2;
  const P = 3;
  const END = 4;
  const X = 5;
  const Y = 6;
  const B = 7;
  const C = 11;
  const step = [
    ...[0, 1, 2, 3].flatMap((i) => [...load(P, 16 * i), ...set(B + i)]),
    ...[0, 1, 2, 3, 4, 5, 6, 7].flatMap((i) => [
      ...get(C + i),
      ...get(i < 4 ? X : Y),
      ...get(B + (i % 4)),
      ...DOT,
      ...ADD,
      ...set(C + i),
    ]),
    ...get(P),
    ...constant(64),
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
    ...[1, 2, 3, 4, 5, 6, 7].flatMap((i) => [...get(C + i), ...ADD]),
    ...simd(0x1b, 0),
    0x0b,
  ];
  const locals = vector([
    [2, I32],
    [14, V128],
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

/** The loop. `run(turns)` does turns * `macs` multiply-accumulates and returns the milliseconds. */
export interface Peak {
  readonly macs: number;
  run(turns: number): number;
}

/** Throws if the loop does not sum what plain arithmetic sums. */
export function createPeak(): Peak {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(encode()));
  const { memory, run } = exports as unknown as {
    memory: WebAssembly.Memory;
    run(base: number, size: number, turns: number): number;
  };
  const data = new Int16Array(memory.buffer, BASE, SIZE / 2);
  for (let i = 0; i < data.length; i++) data[i] = ((i * 2654435761) % 4096) - 2048;
  let expected = 0; // lane 0 of all sums: pairs 0 of x and y with every vector of the data
  for (let i = 0; i < data.length; i += 8)
    for (const x of [0, 8])
      expected = (expected + data[x] * data[i] + data[x + 1] * data[i + 1]) | 0;
  const sum = run(BASE, SIZE, 1);
  if (sum !== expected) throw new Error(`the peak loop sums ${sum}, expected ${expected}`);
  return {
    macs: PASS,
    run: (turns) => {
      const start = performance.now();
      run(BASE, SIZE, turns);
      return performance.now() - start;
    },
  };
}
