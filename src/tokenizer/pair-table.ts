// Pairs of tokens and a number for each: a hash table of typed arrays with open addressing, as a
// Map would need a number or a string made of both for every look.

/** Slots at first: a power of two. More than half of them are never taken. */
const SLOTS = 1024;
const FREE = -1;

/** Numbers 0, 1, .. of pairs, in the order in which they came; or others, by `set`. */
export class PairTable {
  private left = new Int32Array(SLOTS).fill(FREE);
  private right = new Int32Array(SLOTS);
  private value = new Int32Array(SLOTS);
  private taken = 0;

  /** How many pairs there are. */
  get size(): number {
    return this.taken;
  }

  /** The number of a pair; -1 if it has none. */
  get(left: number, right: number): number {
    const slot = this.slotOf(left, right);
    return this.left[slot] === FREE ? -1 : this.value[slot];
  }

  /** Gives a pair another number. */
  set(left: number, right: number, value: number): void {
    const slot = this.slotOf(left, right);
    this.value[slot] = value;
    if (this.left[slot] !== FREE) return;
    this.left[slot] = left;
    this.right[slot] = right;
    this.taken++;
    if (2 * this.taken > this.left.length) this.grow();
  }

  /** Where a pair is, or would be. */
  private slotOf(left: number, right: number): number {
    const { left: lefts, right: rights } = this;
    const mask = lefts.length - 1;
    const mixed = Math.imul(Math.imul(left, 0x9e3779b1) ^ right, 0x85ebca6b);
    let slot = (mixed ^ (mixed >>> 15)) & mask;
    while (lefts[slot] !== FREE && (lefts[slot] !== left || rights[slot] !== right))
      slot = (slot + 1) & mask;
    return slot;
  }

  private grow(): void {
    const { left, right, value } = this;
    this.left = new Int32Array(2 * left.length).fill(FREE);
    this.right = new Int32Array(2 * left.length);
    this.value = new Int32Array(2 * left.length);
    this.taken = 0;
    for (let slot = 0; slot < left.length; slot++)
      if (left[slot] !== FREE) this.set(left[slot], right[slot], value[slot]);
  }
}
