// The little-endian bytes of a GGUF header: keys with typed values, then the tensors' places.

/** The format's numbers of the types of values that are written here. */
const TYPE = { u32: 4, i32: 5, f32: 6, flag: 7, text: 8, array: 9 } as const;
const VERSION = 3;

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Gathers bytes, and counts the keys among them. */
export class GgufWriter {
  private bytes = new Uint8Array(2 ** 12);
  private used = 0;
  private keys = 0;

  private put(some: ArrayLike<number>): void {
    const end = this.used + some.length;
    if (end > this.bytes.length) {
      const larger = new Uint8Array(2 * end);
      larger.set(this.bytes.subarray(0, this.used));
      this.bytes = larger;
    }
    this.bytes.set(some, this.used);
    this.used = end;
  }

  private number(size: number, write: (view: DataView) => void): void {
    const bytes = new Uint8Array(size);
    write(new DataView(bytes.buffer));
    this.put(bytes);
  }

  private int(value: number): void {
    this.number(4, (view) => view.setInt32(0, value, true));
  }

  private long(value: number): void {
    this.number(8, (view) => view.setBigUint64(0, BigInt(value), true));
  }

  private string(value: string): void {
    const bytes = utf8(value);
    this.long(bytes.length);
    this.put(bytes);
  }

  private key(name: string, type: number): void {
    this.keys++;
    this.string(name);
    this.int(type);
  }

  text(name: string, value: string): void {
    this.key(name, TYPE.text);
    this.string(value);
  }

  u32(name: string, value: number): void {
    this.key(name, TYPE.u32);
    this.int(value);
  }

  f32(name: string, value: number): void {
    this.key(name, TYPE.f32);
    this.number(4, (view) => view.setFloat32(0, value, true));
  }

  flag(name: string, value: boolean): void {
    this.key(name, TYPE.flag);
    this.put([Number(value)]);
  }

  private array(name: string, type: number, length: number): void {
    this.key(name, TYPE.array);
    this.int(type);
    this.long(length);
  }

  texts(name: string, values: readonly string[]): void {
    this.array(name, TYPE.text, values.length);
    for (const value of values) this.string(value);
  }

  i32s(name: string, values: readonly number[]): void {
    this.array(name, TYPE.i32, values.length);
    for (const value of values) this.int(value);
  }

  /** The beginning of a file of so many tensors, and its keys. */
  begin(tensors: number, head: GgufWriter): void {
    this.put(utf8('GGUF'));
    this.int(VERSION);
    this.long(tensors);
    this.long(head.keys);
    this.put(head.bytes.subarray(0, head.used));
  }

  /** A tensor's place. `sides`: the fastest first. */
  tensor(name: string, sides: readonly number[], type: number, offset: number): void {
    this.string(name);
    this.int(sides.length);
    for (const side of sides) this.long(side);
    this.int(type);
    this.long(offset);
  }

  /** The bytes, with zeros up to a multiple. */
  padded(multiple: number): Uint8Array<ArrayBuffer> {
    const all = new Uint8Array(Math.ceil(this.used / multiple) * multiple);
    all.set(this.bytes.subarray(0, this.used));
    return all;
  }
}
