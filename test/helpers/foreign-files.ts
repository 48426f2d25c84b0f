// Files of weights as other programs write them, made by hand: safetensors in any type, order and
// spacing, and llm.c's.

/** A tensor as a file has it. */
export interface Plain {
  name: string;
  shape: readonly number[];
  values: ArrayLike<number>;
}

const scratch = new DataView(new ArrayBuffer(4));
const bitsOf = (value: number): number => {
  scratch.setFloat32(0, value);
  return scratch.getUint32(0);
};

/** The 16 bits of a number that bfloat16 holds exactly. */
export const bfloat16Bits = (value: number): number => bitsOf(value) >>> 16;

/** The 16 bits of a number that float16 holds exactly, if it is a normal one or 0. */
export function float16Bits(value: number): number {
  const bits = bitsOf(value);
  const sign = (bits >>> 16) & 0x8000;
  if (value === 0) return sign;
  return sign | ((((bits >>> 23) & 255) - 112) << 10) | ((bits >>> 13) & 1023);
}

/** Numbers as little-endian bytes. */
export function bytesOf(values: ArrayLike<number>, dtype = 'F32'): Uint8Array {
  const each = dtype === 'F32' ? 4 : 2;
  const out = new DataView(new ArrayBuffer(values.length * each));
  for (let i = 0; i < values.length; i++) {
    if (dtype === 'F32') out.setFloat32(4 * i, values[i], true);
    else out.setUint16(2 * i, (dtype === 'F16' ? float16Bits : bfloat16Bits)(values[i]), true);
  }
  return new Uint8Array(out.buffer);
}

/** A file of a header, as given, and bytes. */
export function withHeader(header: string, body: Uint8Array = new Uint8Array(0)): Uint8Array {
  const text = new TextEncoder().encode(header);
  const file = new Uint8Array(8 + text.length + body.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  file.set(body, 8 + text.length);
  return file;
}

/** How a file is written. */
export interface FileOptions {
  dtype?: string;
  /** Spaces of JSON.stringify. */
  spacing?: number;
  /** The header's order is the reverse of the bytes'. */
  isReversed?: boolean;
  metadata?: Record<string, string>;
}

/** A safetensors file. */
export function safetensorsFile(tensors: readonly Plain[], options: FileOptions = {}): Uint8Array {
  const { dtype = 'F32', spacing, isReversed = false, metadata } = options;
  const parts = tensors.map(({ values }) => bytesOf(values, dtype));
  let end = 0;
  const entries = tensors.map(({ name, shape }, i) => {
    const begin = end;
    end += parts[i].length;
    return [name, { data_offsets: [begin, end], shape, dtype }] as const;
  });
  if (isReversed) entries.reverse();
  const table = { ...(metadata && { __metadata__: metadata }), ...Object.fromEntries(entries) };
  const body = new Uint8Array(end);
  let at = 0;
  for (const part of parts) {
    body.set(part, at);
    at += part.length;
  }
  return withHeader(JSON.stringify(table, null, spacing), body);
}

/** Bytes as a source that counts what is read. */
export function sourceOf(file: Uint8Array) {
  const reads: { offset: number; length: number }[] = [];
  return {
    size: file.length,
    reads,
    read(offset: number, length: number): Uint8Array {
      reads.push({ offset, length });
      return file.subarray(offset, offset + length);
    },
  };
}

/** Rows and columns of a matrix exchanged. */
export function transposed({ name, shape, values }: Plain): Plain {
  const [rows, columns] = shape;
  const out = new Float64Array(rows * columns);
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) out[c * rows + r] = values[r * columns + c];
  return { name, shape: [columns, rows], values: out };
}

/** The shape of a GPT-2 as its configuration says it. */
export interface Shape {
  vocab_size: number;
  n_positions: number;
  n_layer: number;
  n_head: number;
  n_embd: number;
}

/** Names and shapes of a GPT-2 as nanoGPT has them: matrices [out, in]. */
export function namesOf(shape: Shape, bias = true): [string, number[]][] {
  const { vocab_size: V, n_positions: T, n_layer: L, n_embd: C } = shape;
  const of = (name: string, sides: number[]): [string, number[]][] => [
    [`${name}.weight`, sides],
    ...(bias ? [[`${name}.bias`, [sides[0]]] as [string, number[]]] : []),
  ];
  const block = (k: number): [string, number[]][] => [
    ...of(`h.${k}.ln_1`, [C]),
    ...of(`h.${k}.attn.c_attn`, [3 * C, C]),
    ...of(`h.${k}.attn.c_proj`, [C, C]),
    ...of(`h.${k}.ln_2`, [C]),
    ...of(`h.${k}.mlp.c_fc`, [4 * C, C]),
    ...of(`h.${k}.mlp.c_proj`, [C, 4 * C]),
  ];
  return [
    ['wte.weight', [V, C]],
    ['wpe.weight', [T, C]],
    ...Array.from({ length: L }, (_, k) => block(k)).flat(),
    ...of('ln_f', [C]),
  ];
}

/** A GPT-2 whose numbers are multiples of 1/128 below 1, which every type holds exactly. */
export const nanoTensors = (shape: Shape, bias = true): Plain[] =>
  namesOf(shape, bias).map(([name, sides], i) => ({
    name,
    shape: sides,
    values: Float64Array.from(
      { length: sides.reduce((a, b) => a * b, 1) },
      (_, j) => (((j * 37 + i * 11) % 255) - 127) / 128,
    ),
  }));

/** The same as Hugging Face has them: matrices of Conv1D, [in, out]. */
export const hfTensors = (tensors: readonly Plain[]): Plain[] =>
  tensors.map((tensor) =>
    /\.(c_attn|c_proj|c_fc)\.weight$/.test(tensor.name) ? transposed(tensor) : tensor,
  );

/** A model of llm.c, whose embedding has `padded` rows. */
export function llmCFile(shape: Shape, tensors: readonly Plain[], padded: number, dtype = 'F32') {
  const { vocab_size: V, n_positions: T, n_layer: L, n_head: H, n_embd: C } = shape;
  const header = new DataView(new ArrayBuffer(1024));
  [20240326, dtype === 'F32' ? 3 : 5, T, V, L, H, C, padded].forEach((word, i) => {
    header.setInt32(4 * i, word, true);
  });
  const byName = new Map(tensors.map(({ name, values }) => [name, Array.from(values)]));
  const kinds = [...new Set(tensors.map(({ name }) => name.replace(/^h\.\d+\./, 'h.*.')))];
  const numbers = kinds.flatMap((kind) => {
    if (!kind.startsWith('h.*.')) {
      const own = byName.get(kind) ?? [];
      return kind === 'wte.weight' ? [...own, ...Array((padded - V) * C).fill(0.5)] : own;
    }
    return Array.from({ length: L }, (_, k) => byName.get(kind.replace('*', `${k}`)) ?? []).flat();
  });
  const body = bytesOf(numbers, dtype);
  const file = new Uint8Array(1024 + body.length);
  file.set(new Uint8Array(header.buffer));
  file.set(body, 1024);
  return file;
}
