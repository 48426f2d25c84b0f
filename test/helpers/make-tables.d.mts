// Types of make-tables.mjs, which runs without a build.
interface Tables {
  EXP2_Q30: number[];
  GELU_GAP_Q17: number[][];
  GELU_SLOPE_Q15: number[][];
}
export function gap(a: number): number;
export function gapSlope(a: number): number;
export function makeTables(): Tables;
export function renderTables(): { assembly: string; reference: string };
