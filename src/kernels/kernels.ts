// THE CONTRACT between the runtime (src/) and the integer kernels (assembly/): one documented
// method per kernel. Three back ends fill it in, bit for bit alike: reference/ (plain TypeScript,
// the runnable specification), the release and the checked WebAssembly build. All the kernels work
// on one linear memory; a pointer is a byte address in it, aligned to its element (the arena gives
// 64). Matrices are row-major; `ld*` is the distance between rows in elements. No kernel reads or
// writes outside the ranges given; outputs never overlap inputs unless the method says so.
//
// Notation: all formulas are over exact integers, then stored; "[wraps]" marks two's complement
// results.
//   floor(a / 2^s)    arithmetic shift right
//   halfUp(a, s)      floor((a + 2^(s-1)) / 2^s) for s > 0, and a * 2^-s for s <= 0
//                     (shift right, half up)
//   halfEven(a, s)    a / 2^s rounded to nearest, ties to even, s >= 0
//   clamp(a, b)       min(max(a, -b), b)
//   q15(a, b)         halfUp(a * b, 15), saturated to int16            (i16x8.q15mulr_sat_s)
//   bits(a)           number of binary digits of |a|: 0 for 0, 3 for 4..7
//   trunc(a / b)      the quotient toward zero
//   a mod 2^s         a - 2^s floor(a / 2^s): 0 .. 2^s - 1, for negative a too
//   rotl(a, s)        the 32 bits of a rotated left by s;  a ^ b  exclusive or;  a & b  and;
//                     a >>> s  logical shift right
//   saturated to T    the nearest value of the type T
// [wraps] is modulo 2^32 for an int32 result and modulo 2^64 for an int64 one. sqrt, / and 2^-s are
// never rounded before the floor around them. A pointer of 0 means: none. Elements between the end
// of a row and the next one (ld* > columns) are not written. Every count returned is the number of
// elements that the clamp changed. Formats and bounds: src/memory/formats.ts.

import type { Pointer } from '../memory/arena.ts';
import type { ImageKernels } from './image.ts';
import type { Int8Build, Int8Kernels } from './int8.ts';

export type { Pointer };

/** Columns in a packed panel, and rows of the register tile. */
export const PANEL_COLUMNS = 16;
export const TILE_ROWS = 2;

/** Bytes between two panels of a packed matrix with K rows: K rounded up to even, 16 int16 columns.
 *  @example
 *  console.log(panelStride(768)); // 24576
 */
export const panelStride = (k: number): number => Math.ceil(k / 2) * 4 * PANEL_COLUMNS;
/** Bytes of a packed K x N matrix.
 *  @example
 *  console.log(packedBytes(768, 20)); // 49152
 */
export const packedBytes = (k: number, n: number): number =>
  Math.ceil(n / PANEL_COLUMNS) * panelStride(k);

/** The integer kernels, one method each; docs/conformance.md has the contract of every one.
 *  Pointers are byte addresses in the back end's memory, from its `base` on; what is not said to be
 *  checked is the caller's to prove. */
export interface Kernels {
  // ---- matrix product: pack.ts, gemm.ts ---------------------------------------------------------

  /** Packs B[k][n] (int16, row-major, row distance ldb) into panels of 16 columns: for panel p,
   *  pair j, column c the int16s B[2j][16p + c], B[2j + 1][16p + c] lie at packed + p *
   *  panelStride(k) + 64 j + 4 c. Missing rows and columns are 0. p < ceil(n / 16), j < ceil(k /
   *  2), c < 16: all packedBytes(k, n) bytes are written. */
  pack_nn_i16(b: Pointer, ldb: number, k: number, n: number, packed: Pointer): void;

  /** As pack_nn_i16, for a B that is stored transposed: B[k][n] = bt[n * ldb + k]. */
  pack_nt_i16(bt: Pointer, ldb: number, k: number, n: number, packed: Pointer): void;

  /** out[c * ldo + r] = a[r * lda + c] for r < rows, c < columns (int16). */
  transpose_i16(
    a: Pointer,
    lda: number,
    rows: number,
    columns: number,
    out: Pointer,
    ldo: number,
  ): void;

  /** C[i][j] = sum_p A[i][p] B[p][j] [wraps], i < m, j < n, p < k. A int16 row-major, B packed with
   *  `stride` bytes between panels (a sub-range of rows of B is reached by advancing `packed` by 64
   *  bytes per pair), C int32. B[p][j] is the int16 at packed + floor(j / 16) * stride + 64 floor(p
   *  / 2) + 4 (j mod 16) + 2 (p mod 2). Exact if max|A| * (largest column sum of |B|) < 2^31; ops
   *  proves that. C overwritten. Rows A[m] may be read only up to their k-th element. */
  gemm_i16i16i32(
    a: Pointer,
    lda: number,
    packed: Pointer,
    stride: number,
    c: Pointer,
    ldc: number,
    m: number,
    n: number,
    k: number,
  ): void;

  /** C[i][j] += sum over chunks of halfUp(S, -shift), where S is the exact sum of A[i][p] B[p][j]
   *  over `chunk` consecutive p (chunk even; the last may be shorter), and C is int64. The chunks
   *  begin at p = 0, chunk, 2 chunk ..., and each sum is shifted before it is added [wraps]. A, B
   *  as in gemm_i16i16i32. -16 <= shift <= 20. |S| <= 2^31 - 1 - 2^15 (exactProducts). */
  gemm_i16i16i64(
    a: Pointer,
    lda: number,
    packed: Pointer,
    stride: number,
    c: Pointer,
    ldc: number,
    m: number,
    n: number,
    k: number,
    chunk: number,
    shift: number,
  ): void;

  // ---- changing formats: requantize.ts ----------------------------------------------------------

  /** out[r][c] = clamp(halfUp(a[r][c] + bias[c] * 2^(shift - guard), shift), bound): int32 ->
   *  int16, 1 <= shift <= 31, guard = min(6, shift), bound <= 32767. bias: int32 with `guard` more
   *  fraction bits than the output, |bias| < 2^28; 0 for none. Returns the count of clamped
   *  elements. */
  requantize_i32i16(
    a: Pointer,
    lda: number,
    out: Pointer,
    ldo: number,
    rows: number,
    columns: number,
    shift: number,
    bound: number,
    bias: Pointer,
  ): number;

  /** out[r][c] = clamp(halfUp(a[r][c], shift) + bias[c], bound): int32 -> int32, -8 <= shift <= 30,
   *  bound <= 2^26, |bias| < 2^26 or bias pointer 0 for none. In place allowed (a = out, lda =
   *  ldo). Returns the count of clamped elements. */
  requantize_i32i32(
    a: Pointer,
    lda: number,
    out: Pointer,
    ldo: number,
    rows: number,
    columns: number,
    shift: number,
    bound: number,
    bias: Pointer,
  ): number;

  /** out[r][c] = halfUp(a[r][c], shift), int64 -> int32, 0 <= shift <= 62, result fits (the caller
   *  has seen max_bits_i64). */
  narrow_i64i32(
    a: Pointer,
    lda: number,
    out: Pointer,
    ldo: number,
    rows: number,
    columns: number,
    shift: number,
  ): void;

  /** max |a[r][c]| over an int32 matrix, 0..2^31; 0 if empty. */
  max_abs_i32(a: Pointer, lda: number, rows: number, columns: number): number;

  /** bits(max |a[i]|) over int64 a[0..n): 0..64. */
  max_bits_i64(a: Pointer, n: number): number;

  /** out[i] = clamp(halfUp(a[i], shift), bound): int32 master -> int16 working copy, 0 <= shift <=
   *  24. Returns the count. */
  quantize_i32i16(a: Pointer, out: Pointer, n: number, shift: number, bound: number): number;

  /** The larger of: the largest row sum, the largest column sum of |w[r][c]| (int16, contiguous).
   *  scratch: int32[columns], the column sums after. rows, columns <= 2^15; columns <= 2^19 of
   *  |w| <= 4095. */
  l1_max_i16(w: Pointer, rows: number, columns: number, scratch: Pointer): number;

  /** The largest Euclidean norm of a row: max over r of floor(sqrt(sum over c of w[r][c]^2)),
   *  int16, contiguous; 0 if empty. columns <= 2^15. */
  row_norm_max_i16(w: Pointer, rows: number, columns: number): number;

  // ---- element-wise: elementwise.ts -------------------------------------------------------------

  /** out[i] = halfUp(a[i] * aFactor, aShift) + halfUp(b[i] * bFactor, bShift) + halfUp(c[i],
   *  cShift) [wraps], int32. Shifts -31..31; |a[i] * aFactor|, |b[i] * bFactor| < 2^31; aFactor,
   *  bFactor in -15..15. b or c may be 0 (absent). The sums inside halfUp do not wrap. An absent
   *  term is 0. out may be a, b or c. */
  combine_i32(
    a: Pointer,
    aFactor: number,
    aShift: number,
    b: Pointer,
    bFactor: number,
    bShift: number,
    c: Pointer,
    cShift: number,
    out: Pointer,
    n: number,
  ): void;

  /** sum[c] += halfUp(sum over r of a[r][c], -shift): int16 rows summed exactly into int64, then
   *  shifted; -31 <= shift <= 31. */
  sum_rows_i16i64(
    a: Pointer,
    lda: number,
    rows: number,
    columns: number,
    sum: Pointer,
    shift: number,
  ): void;

  /** out[i] += halfUp(a[i], -shift), int64; -62 <= shift <= 31. The sum fits (the caller has proved
   *  it). */
  accumulate_i64(a: Pointer, out: Pointer, n: number, shift: number): void;

  /** A 32-bit fingerprint of int32 a[0..n). Four lanes start as 0x9e3779b9, 0x85ebca6b, 0xc2b2ae35,
   *  0x27d4eb2f; element i goes into lane i & 3: h = rotl(h ^ a[i], 13) * 0x9e3779b1 + 0x85ebca77
   *  [wraps]. Result: r = n; then, for each of the four lanes in order, { r = (r ^ h) * 0x01000193
   *  [wraps]; r = r ^ (r >>> 15) }. All unsigned 32-bit. */
  hash_i32(a: Pointer, n: number): number;

  // ---- layer norm: layer-norm.ts, layer-norm-backward.ts ----------------------------------------

  /** For each of `rows` rows of `columns` elements, with z_i = x_i * 2^shift + y_i [wraps] (16
   *  fraction bits; y = 0: none):
   *    mean = floor((2 sum z + columns) / (2 columns));  d_i = z_i - mean [wraps]
   *    s = max(bits(max |d_i|) - 20, -15)                         (|-2^31| has 32 bits)
   *    e_i = halfUp(d_i, s)                                       |e_i| <= 2^20
   *    N = sum e_i^2 + floor(42950 * columns * 2^(-2s))           (42950 = 1e-5 * 2^32: epsilon)
   *    u = (63 - bits(N)) rounded down to even;  S = floor(sqrt(floor(N * 2^u / columns)))
   *    M = floor(2^(32 + f + u/2) / S)
   *    xhat_i = min(max(floor((e_i * M + 2^31) / 2^32), -32768), 32767)           f fraction bits
   *    rstd = floor(2^(38 + u/2 - s) / S)                         22 fraction bits
   *  A row with max |d_i| = 0: xhat = 0 and rstd = 1326350334 (= floor(sqrt(2^76 / 42950))). Then,
   *  for every row (bias_i = 0 if there is none),
   *    out_i = clamp(halfUp(xhat_i * gain_i + bias_i, f + 3), 4095)
   *  x, y int32; gain int16 (11 fraction bits); bias int32 (f + 11 fraction bits, |bias| < 2^26;
   *  pointer 0: none); out, xhat int16; rstd int32[rows]. f = fraction, 9..11; 1 <= columns <=
   *  4^(15 - f), so |xhat| is at most 32766 unless a z_i - mean wraps; shift 0..31. xhat and rstd
   *  pointers may both be 0 (inference). Returns count of clamped out. */
  layer_norm_forward_i32i16(
    x: Pointer,
    shift: number,
    y: Pointer,
    gain: Pointer,
    bias: Pointer,
    out: Pointer,
    xhat: Pointer,
    rstd: Pointer,
    rows: number,
    columns: number,
    fraction: number,
  ): number;

  /** dz for out = xhat * gain (+ bias), and the sums for gain and bias:
   *    w_i = dy_i * gain_i;  A = floor((2 sum w + columns) / (2 columns))
   *    B = halfUp(floor(sum(w_i xhat_i) / columns), f), saturated to int32
   *    v_i = w_i - A - halfUp(xhat_i * B, f), saturated to int32
   *    dz_i = halfUp(v_i * rstd, shift), saturated to int32
   *    dGain_i += sum over rows dy_i * xhat_i;  dBias_i += sum over rows dy_i
   *                                                 (int64, exact; dBias pointer 0: none)
   *  The sums are over i < columns of one row; the products and sums are exact. rstd: the row's.
   *  dy, xhat, gain int16 with |dy| <= 16383; rstd, dz int32; 1 <= shift <= 62; f = fraction, of
   *  xhat, and columns as above. dz has, against dy, 11 + 22 - shift more fraction bits. Returns
   *  the count of saturated dz. */
  layer_norm_backward_i16i32(
    dy: Pointer,
    xhat: Pointer,
    gain: Pointer,
    rstd: Pointer,
    dz: Pointer,
    dGain: Pointer,
    dBias: Pointer,
    rows: number,
    columns: number,
    shift: number,
    fraction: number,
  ): number;

  // ---- softmax: softmax.ts ----------------------------------------------------------------------
  // Shared, for the elements s_j of a row that take part (the valid columns, or all of them): max =
  // the largest s_j; distance t = floor((max - s) * scale / 2^32) with max - s in 0..2^32-1 and 0 <
  // scale < 2^32 (15 fraction bits, base 2); n = floor(t / 2^15), f = t mod 2^15; e = floor(E(f) /
  // 2^n), 0 if n > 30; E(f): y = c5; y = c_i - floor(y f / 2^15), i = 4..0 with c = EXP2_Q30 of
  // tables.ts (Q30). Z = sum e (int64); R = floor(2^61 / Z).

  /** Row i has v_i = valid + i * causal valid columns (causal 0 or 1, 1 <= v_i <= columns):
   *    p_j = min(32767, floor((e_j R + 2^45) / 2^46)) for j < v_i;  p_j = 0 for v_i <= j < columns.
   *  s int32, p int16 (15 fraction bits). columns <= 4096. max, Z and R are over the v_i valid
   *  columns. s is overwritten: by e_j for j < v_i, and by 0 up to the next multiple of 8, as far
   *  as there are columns. */
  softmax_forward_i32i16(
    s: Pointer,
    lds: number,
    p: Pointer,
    ldp: number,
    rows: number,
    columns: number,
    valid: number,
    causal: number,
    scale: number,
  ): void;

  /** ds for p = softmax(c s), with d_j = halfUp(dp_j, 2), factor = the mantissa of c in Q15
   *  (2^14..2^15):
   *    dot = halfUp(sum_j p_j d_j, 15)
   *    ds_j = halfUp((d_j - dot) * p_j * factor, 28) saturated to int32, j < v_i; 0 beyond.
   *  Relative to dp, ds is c * ds / (2^e of c): same fraction bits. |dp| < 2^31. ds may be dp.
   *  Rows, columns and v_i as above; sum_j is over j < v_i, p int16, dp and ds int32. */
  softmax_backward_i16i32(
    p: Pointer,
    ldp: number,
    dp: Pointer,
    lddp: number,
    ds: Pointer,
    ldds: number,
    rows: number,
    columns: number,
    valid: number,
    causal: number,
    factor: number,
  ): void;

  /** For each row: loss (nats, 16 fraction bits) and dLogits = p - onehot(target) with 24 fraction
   *  bits:
   *    p_j = floor((e_j R + 2^36) / 2^37);  dLogits_j = p_j - (j = target) * 2^24
   *    L = log2(Z) - 30 in 16 fraction bits, bit by bit: k = bits(Z) - 1,
   *      y = floor(Z * 2^(31 - k)), L = (k - 30) * 2^16, then for b = 15..0:
   *      y = floor(y^2 / 2^31); if y >= 2^32: y = floor(y / 2), L += 2^b
   *    loss = min(2^31 - 1, floor(((L + 2 t_target) * 45426 + 2^15) / 2^16))
   *                                                 (45426 = ln 2 * 2^16)
   *  t, e, Z, R: of all `columns` columns; in the loop over b, y and L are replaced. logits int32,
   *  targets int32 in 0..columns-1, dLogits int32 (pointer 0: loss only; may be logits), losses
   *  int32[rows]. columns <= 2^20. scale as for softmax. */
  cross_entropy_i32(
    logits: Pointer,
    ldl: number,
    targets: Pointer,
    dLogits: Pointer,
    lddl: number,
    losses: Pointer,
    rows: number,
    columns: number,
    scale: number,
  ): void;

  // ---- GELU: gelu.ts ----------------------------------------------------------------------------
  // Shared: a = min(|u|, 10239) (u has 11 fraction bits: |u| < 5); w = 3 a + q15(a, 6554); segment
  // = floor(w / 2^11); f = (w mod 2^11) * 2^4; cubic(T) = q15(q15(q15(T3, f) + T2, f) + T1, f) + T0
  // with T0..T3 = table[0..3][segment] of tables.ts. No sum within cubic leaves int16.

  /** act_i = clamp(halfUp(max(u_i, 0) - floor((cubic(GELU_GAP_Q17) + 32) / 64), shift), 4095):
   *  int16, from 11 to 11 - shift fraction bits, 0 <= shift <= 3. Returns the count of clamped
   *  elements. */
  gelu_forward_i16i16(u: Pointer, act: Pointer, n: number, shift: number): number;

  /** du_i = halfUp(dAct_i * slope, 15), int32; slope (14 fraction bits) = g for u_i < 0, 16384 - g
   *  for u_i >= 0, where g = floor((cubic(GELU_SLOPE_Q15) + 1) / 2). du has one fraction bit less
   *  than dAct. du may be dAct. */
  gelu_backward_i32(dAct: Pointer, u: Pointer, du: Pointer, n: number): void;

  // ---- embedding: embedding.ts ------------------------------------------------------------------

  /** out[r][c] = halfUp(token[ids[r]][c] + position[r][c], 24 - l): int32 masters -> int32 state
   *  with l fraction bits. ids int32; all four matrices are contiguous, `columns` elements a row; r
   *  < rows. |token|, |position| < 2^30, 6 <= l <= 14. */
  embedding_forward_i32(
    ids: Pointer,
    token: Pointer,
    position: Pointer,
    out: Pointer,
    rows: number,
    columns: number,
    l: number,
  ): void;

  /** dToken[ids[r]][c] += halfUp(dx[r][c], -shift), dPosition[r][c] likewise: int32 -> int64, -31
   *  <= shift <= 31. Layout as above; an id that occurs in several rows gets them all. Either may
   *  be 0: then nothing is added there (and without dToken no id is read). */
  embedding_backward_i32i64(
    ids: Pointer,
    dx: Pointer,
    dToken: Pointer,
    dPosition: Pointer,
    rows: number,
    columns: number,
    shift: number,
  ): void;

  // ---- the reversible update: bdia.ts -----------------------------------------------------------
  // gamma = sigma 2^-m. X states with l fraction bits, h with 16, both int32. s = 16 - l + m.
  //   v = (2^m + sigma) h - sigma (X mod 2^m) 2^(16 - l) [wraps]
  //   base = X - sigma floor(X / 2^m) + floor(v / 2^s) [wraps]
  //   R(X, h) = base + floor(((v mod 2^s) + 2^(s-1) - 1 + (base & 1)) / 2^s) [wraps]
  //                                        (v / 2^s is rounded half to even of the sum)
  // which is Q_l[(1 - gamma) x + (1 + gamma) h] rounded half to even (docs/reversibility.md) while
  // |h| <= 3 * 2^26.

  /** next = sigma (floor(prev / 2^m) + (b != 0)) + R [wraps], b = (-prev) mod 2^m; bit j of b of
   *  element i goes to bit i & 7 of byte side[j * ceil(n / 8) + (i >> 3)] (unused bits of the last
   *  byte 0). sigma = 1 or -1, 1 <= m <= 3; next may be prev. sigma = 0: next = X + halfEven(h, 16
   *  - l) with ties by the parity of the result (R with sigma = 0, m = 0, whatever m is given);
   *  prev and side unused, may be 0. prev, X, h, next int32; side: m * ceil(n / 8) bytes, all
   *  written. Returns the count of |next| > 2^(14 + l): the range check. */
  bdia_step_i32(
    prev: Pointer,
    x: Pointer,
    h: Pointer,
    next: Pointer,
    side: Pointer,
    n: number,
    l: number,
    sigma: number,
    m: number,
  ): number;

  /** The inverse: A = sigma (next - R) [wraps]; prev = A * 2^m - b [wraps]. b is read from the side
   *  bits as bdia_step_i32 stored them. prev may be next. sigma = 1 or -1. */
  bdia_inverse_i32(
    next: Pointer,
    x: Pointer,
    h: Pointer,
    side: Pointer,
    prev: Pointer,
    n: number,
    l: number,
    sigma: number,
    m: number,
  ): void;

  // ---- optimizer: adam.ts -----------------------------------------------------------------------

  /** sum of halfUp(g[i], shift)^2 over int64 g[0..n), stored as int64 at `out`. The caller has
   *  chosen the shift such that |halfUp| <= 2^20, and n < 2^23. */
  sum_squares_i64(g: Pointer, n: number, shift: number, out: Pointer): void;

  /** One AdamW step on n parameters (Loshchilov & Hutter 2019), all in integers:
   *    G = halfUp(g, shift) in int32
   *    ghat = clamp(halfUp(G * factor, factorShift), 2^30)        30 fraction bits, norm <= 1
   *    m = trunc(((2^k1 - 1) m + ghat) / 2^k1)                    toward zero
   *    v = r^2 - floor(r^2 / 2^k2) + floor(ghat^2 / 2^k2)
   *    r = floor(sqrt(v))                                         r kept, v is not
   *    update = trunc(m * rate / (r + epsilon));  decayed = halfUp(w * decay, 32)
   *    w = clamp(w - halfUp(update, 8) - decayed, limit)
   *  In this order: update is made of the new m and r, decayed of the old w; m, r and w are stored.
   *  w, m, r int32; g int64; 0 <= shift <= 62 such that G fits int32; k1 in 0..30, k2 in 0..62; 0
   *  <= factor < 2^31; 1 <= factorShift <= 62; 0 <= rate < 2^32 (32 fraction bits, unsigned); 1 <=
   *  epsilon < 2^31; 0 <= decay < 2^31 (32 fraction bits); 0 <= limit < 2^31. update is saturated
   *  to int32. scratch: int64[64], overwritten. Returns the count of clamped weights plus that of
   *  saturated updates. */
  adamw_i64(
    w: Pointer,
    g: Pointer,
    m: Pointer,
    r: Pointer,
    n: number,
    shift: number,
    factor: number,
    factorShift: number,
    k1: number,
    k2: number,
    rate: number,
    epsilon: number,
    decay: number,
    limit: number,
    scratch: Pointer,
  ): number;

  // ---- random numbers: random.ts ----------------------------------------------------------------

  /** Philox4x32-10 (Salmon et al. 2011): block b of out is philox(counter = (b, c1, c2, c3), key =
   *  (key0, key1)); n uint32s, n a multiple of 4. b < n / 4: the blocks follow one another. */
  random_u32(
    out: Pointer,
    n: number,
    c1: number,
    c2: number,
    c3: number,
    key0: number,
    key1: number,
  ): void;

  /** out[i] = halfUp((h - 262140) * scale, 16), int32, where h is the sum of the eight 16-bit
   *  halves of block i of random_u32: nearly normal with standard deviation 53509.9 * scale / 2^16;
   *  0 <= scale < 2^29. One block of four words an element, i < n. */
  random_normal_i32(
    out: Pointer,
    n: number,
    c1: number,
    c2: number,
    c3: number,
    key0: number,
    key1: number,
    scale: number,
  ): void;

  /** x[i] = 0 if r_i < threshold, else clamp(halfUp(x[i] * factor, 15), limit), i < n, in place:
   *  r_i is word i mod 4 of block floor(i / 4) of random_u32 with the same c1, c2, c3, key0, key1;
   *  it and threshold are uint32. x any int32; 2^15 <= factor <= 2^20 (15 fraction bits: 1 / (1 -
   *  p) for p = threshold / 2^32); 0 <= limit < 2^31; any n >= 0. Returns the count of clamped
   *  elements. */
  dropout_i32(
    x: Pointer,
    n: number,
    c1: number,
    c2: number,
    c3: number,
    key0: number,
    key1: number,
    threshold: number,
    factor: number,
    limit: number,
  ): number;

  // ---- sums and products with exact inverses: inverses.ts ---------------------------------------

  /** y[i] = x[i] + halfEven(h[i] * factor, shift) [wraps], i < n: the product alone is rounded, and
   *  halfEven(-a, s) = -halfEven(a, s), so that -factor takes away what factor has added, to the
   *  bit. x, h, y int32, y may be x or h; |factor| <= 2^24; 0 <= shift <= 40; the product is exact.
   *  Returns the count of |y[i]| > limit, 0 <= limit < 2^31 (-2^31 always counts). */
  add_rounded_i32(
    x: Pointer,
    h: Pointer,
    y: Pointer,
    n: number,
    factor: number,
    shift: number,
    limit: number,
  ): number;

  /** v * signIn * signOut * to / from, to within `to`, without losing a bit: what the division
   *  leaves goes into digits (Maclaurin, Duvenaud, Adams 2015, "Gradient-based Hyperparameter
   *  Optimization through Reversible Learning"). With a mod b = a - b floor(a / b), for each i < n:
   *    t = signIn * v_i [wraps];  q = floor(t / from)
   *    B = digits_i * from + t mod from                           B < 2^47
   *    v_i = signOut * (q * to + B mod to) [wraps];  digits_i = floor(B / to) [wraps]
   *  v int32, digits uint32, both in place; 1 <= from, to <= 2^15; signIn, signOut 1 or -1. With
   *  from and to, signIn and signOut exchanged it restores v and digits, unless floor(B / to) >=
   *  2^32 or q * to + B mod to was no int32 (it is one if to <= from). Returns the count of floor(B
   *  / to) >= 2^32. */
  exchange_radix_i32u32(
    v: Pointer,
    digits: Pointer,
    n: number,
    from: number,
    to: number,
    signIn: number,
    signOut: number,
  ): number;
}

/** A back end: the kernels and the memory they work on. */
export interface Backend {
  /** Which implementation of the contract. */
  readonly name: 'reference' | 'release' | 'checked';
  /** The kernels: pointers into `memory` in, numbers out. */
  readonly kernels: Kernels;
  /** Those for operands of 8 bits, if they are not chosen by their first use. @internal */
  readonly int8?: ((build: Int8Build) => Int8Kernels) | undefined;
  /** Those for images, if they are not attached by their first use. @internal */
  readonly image?: ImageKernels | undefined;
  /** The linear memory, of fixed size. */
  readonly memory: { readonly buffer: ArrayBuffer | SharedArrayBuffer };
  /** First free byte of the memory, after the back end's own static data. */
  readonly base: number;
}
