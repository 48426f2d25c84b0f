// The memory of a forward pass alone. Gradients and moments have none. The master weights of
// matrices are needed while their working copies are made, so they pass through one staging area,
// block by block; other weights, which layers may read on every pass, stay.

import {
  Arena,
  type NamedTensor,
  type Parameter,
  type Pointer,
  type Purpose,
  type Run,
  UsageError,
} from '../index.ts';

/** An arena in which gradients have no memory, and weights get theirs later (`Weights`). */
export class ForwardArena extends Arena {
  override allocate(purpose: Purpose, bytes: number): Pointer {
    return purpose === 'gradients' || purpose === 'weights' ? 0 : super.allocate(purpose, bytes);
  }

  /** Memory of weights. */
  place(bytes: number): Pointer {
    return super.allocate('weights', bytes);
  }
}

/** The weights of a model by path. Throws UsageError for one that is missing or has another size.
 */
export class Weights {
  private readonly byPath: ReadonlyMap<string, NamedTensor>;

  constructor(tensors: readonly NamedTensor[]) {
    this.byPath = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  }

  private of({ path, size, shape }: Parameter): Int32Array {
    const found = this.byPath.get(path);
    if (found === undefined)
      throw new UsageError(`the weights have no ${path}`, 'give those of the same model');
    if (found.data.length !== size)
      throw new UsageError(
        `${path} has ${found.data.length} numbers, expected ${shape.join(' x ')}`,
        'give the weights of the same model',
      );
    return found.data;
  }

  /** Brings a parameter's weights to its address. */
  load(run: Run, parameter: Parameter): void {
    run.view(parameter.master, parameter.size).set(this.of(parameter));
  }
}

/** Where the weights of a planned model lie. */
export class Placement {
  /** Weights that stay. */
  readonly resident: readonly Parameter[];
  /** Where the others pass through, and the groups in which they do. */
  private readonly staging: Pointer;
  private readonly staged: ReadonlyMap<string, readonly Parameter[]>;

  /** isResident: by path. groupOf: weights that are used together, such as those of a block. */
  constructor(
    arena: ForwardArena,
    parameters: readonly Parameter[],
    isResident: (parameter: Parameter) => boolean,
    groupOf: (path: string) => string,
  ) {
    this.resident = parameters.filter(isResident);
    for (const parameter of this.resident) parameter.master = arena.place(parameter.size * 4);
    const staged = new Map<string, Parameter[]>();
    for (const parameter of parameters) {
      if (isResident(parameter)) continue;
      const group = groupOf(parameter.path);
      staged.set(group, [...(staged.get(group) ?? []), parameter]);
    }
    this.staged = staged;
    const sizes = [...staged.values()].map((group) => group.reduce((n, { size }) => n + size, 0));
    this.staging = arena.place(Math.max(0, ...sizes) * 4);
  }

  /** Brings a group's weights into the staging area for as long as `use` runs. */
  during(run: Run, weights: Weights, group: string, use: () => void): void {
    const parameters = this.staged.get(group) ?? [];
    let at = this.staging;
    for (const parameter of parameters) {
      parameter.master = at;
      weights.load(run, parameter);
      at += parameter.size * 4;
    }
    use();
    // whoever reads them later traps: nothing lies there
    for (const parameter of parameters) parameter.master = run.bytes.length;
  }
}
