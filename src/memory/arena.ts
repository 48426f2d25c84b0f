// The arena: hands out addresses in the linear memory and counts the bytes by purpose. It owns no
// memory, so the same code that lays a model out also answers how much it would need: the plan is a
// layout that nothing is written to. Nothing is ever freed; a step allocates nothing.

/** What bytes are for. `states`: whatever is kept of the forward pass, and the gradient of the
 *  residual stream. */
export const PURPOSES = [
  'weights',
  'gradients',
  'optimizer',
  'states',
  'sideBits',
  'workspace',
] as const;
/** What bytes are for: weights, gradients, optimizer, states, sideBits, workspace. */
export type Purpose = (typeof PURPOSES)[number];

/** A byte address in the back end's memory, aligned to the element it points at. */
export type Pointer = number;

const ALIGNMENT = 64;
const align = (address: number): number => Math.ceil(address / ALIGNMENT) * ALIGNMENT;

/** Hands out addresses and counts bytes by purpose. It owns no memory.
 *  @example
 *  const arena = new Arena(0);
 *  console.log(arena.allocate('states', 100), arena.allocate('states', 100), arena.total);
 *  // 0 128 256
 */
export class Arena {
  /** Kept by bundlers. @internal */
  static readonly name: string = 'Arena';
  /** Bytes asked for, by purpose (without padding). */
  readonly bytes: Record<Purpose, number> = {
    weights: 0,
    gradients: 0,
    optimizer: 0,
    states: 0,
    sideBits: 0,
    workspace: 0,
  };
  /** First address after everything handed out. */
  end: number;

  constructor(
    /** The first address. */
    readonly base: number,
  ) {
    this.end = align(base);
  }

  /** An address of `bytes` bytes, aligned to 64.
   *  @example
   *  console.log(new Arena(100).allocate('workspace', 8)); // 128
   */
  allocate(purpose: Purpose, bytes: number): Pointer {
    const at = this.end;
    this.bytes[purpose] += bytes;
    this.end = align(at + bytes);
    return at;
  }

  /** Bytes from the base to the end, padding included. */
  get total(): number {
    return this.end - this.base;
  }
}
