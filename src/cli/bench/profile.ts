// Where a training step's time goes: every kernel of a back end timed, call by call.

import {
  attachInt8,
  type Backend,
  createWasmBackend,
  type Int8Build,
  type Int8Kernels,
  type Kernels,
} from '../library.ts';

/** Time inside a kernel since `clear`. */
export interface ProfileRow {
  name: keyof Kernels | keyof Int8Kernels;
  calls: number;
  milliseconds: number;
  /** Multiply-accumulates, as the definition of a matrix product counts them; 0 for other kernels.
   */
  macs: number;
}

export interface Profile {
  /** For a trainer: the release build with timed kernels. */
  makeBackend(bytes: number): Backend;
  /** Longest first. */
  rows(): ProfileRow[];
  clear(): void;
}

/** Of gemm(a, lda, packed, stride, c, ldc, m, n, k, ...); int8's has neither lda nor stride. */
function macsOf(name: string, a: readonly number[]): number {
  if (!name.startsWith('gemm_')) return 0;
  const [m, n, k] = a.slice(name.startsWith('gemm_i8') ? 4 : 6);
  return m * n * k;
}

/** Times the kernels that `isTimed` names, and with a build those of int8 operands. */
export function createProfile(
  isTimed: (name: string) => boolean = () => true,
  build?: Int8Build,
): Profile {
  const rows = new Map<string, ProfileRow>();
  function timed(
    name: ProfileRow['name'],
    call: (...a: number[]) => unknown,
  ): (...a: number[]) => unknown {
    return (...a) => {
      const start = performance.now();
      const result = call(...a);
      const passed = performance.now() - start;
      const row = rows.get(name) ?? { name, calls: 0, milliseconds: 0, macs: 0 };
      row.calls++;
      row.milliseconds += passed;
      row.macs += macsOf(name, a);
      rows.set(name, row);
      return result;
    };
  }
  const allTimed = <Some extends object>(kernels: Some): Some =>
    Object.fromEntries(
      Object.entries(kernels).map(([key, call]) => [
        key,
        typeof call === 'function' && isTimed(key) ? timed(key as ProfileRow['name'], call) : call,
      ]),
    ) as Some;
  return {
    makeBackend(bytes) {
      const backend = createWasmBackend({ pages: Math.ceil(bytes / 65536) });
      const { name, memory, base, kernels } = backend;
      const int8 = build && ((own: Int8Build) => allTimed(attachInt8(backend, own)));
      return { name, memory, base, kernels: allTimed(kernels), int8 };
    },
    rows: () => [...rows.values()].sort((a, b) => b.milliseconds - a.milliseconds),
    clear: () => rows.clear(),
  };
}
