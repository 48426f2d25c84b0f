// Where a training step's time goes: every kernel of a back end timed, call by call.

import { type Backend, createWasmBackend, type Kernels } from '../library.ts';

/** Time inside a kernel since `clear`. */
export interface ProfileRow {
  name: keyof Kernels;
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

/** Of gemm(a, lda, packed, stride, c, ldc, m, n, k, ...). */
const macsOf = (name: string, a: readonly number[]): number =>
  name.startsWith('gemm_') ? a[6] * a[7] * a[8] : 0;

/** Times the kernels that `isTimed` names. */
export function createProfile(isTimed: (name: string) => boolean = () => true): Profile {
  const rows = new Map<string, ProfileRow>();
  function timed(
    name: keyof Kernels,
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
  return {
    makeBackend(bytes) {
      const { name, memory, base, kernels } = createWasmBackend({
        pages: Math.ceil(bytes / 65536),
      });
      const all = Object.entries(kernels).map(([key, call]) => [
        key,
        typeof call === 'function' && isTimed(key)
          ? timed(key as keyof Kernels, call as (...a: number[]) => unknown)
          : call,
      ]);
      return { name, memory, base, kernels: Object.fromEntries(all) as Kernels };
    },
    rows: () => [...rows.values()].sort((a, b) => b.milliseconds - a.milliseconds),
    clear: () => rows.clear(),
  };
}
