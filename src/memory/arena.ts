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
export type Purpose = (typeof PURPOSES)[number];

const ALIGNMENT = 64;
const align = (address: number): number => Math.ceil(address / ALIGNMENT) * ALIGNMENT;

export class Arena {
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

  constructor(readonly base: number) {
    this.end = align(base);
  }

  /** An address of `bytes` bytes, aligned to 64. */
  allocate(purpose: Purpose, bytes: number): number {
    const at = this.end;
    this.bytes[purpose] += bytes;
    this.end = align(at + bytes);
    return at;
  }

  get total(): number {
    return this.end - this.base;
  }
}
