// The parts that we use of two packages that bring no types.

declare module 'asciichart' {
  export const blue: string, lightgray: string, yellow: string;
  export function plot(series: number[] | number[][], options?: { height?: number; min?: number; max?: number; colors?: string[]; format?: (value: number) => string }): string;
  const asciichart: { blue: string; yellow: string; plot: typeof plot };
  export default asciichart;
}

declare module 'cli-progress' {
  export class SingleBar {
    constructor(options: { format: string; stream?: NodeJS.WritableStream; fps?: number; barsize?: number; hideCursor?: boolean | null; clearOnComplete?: boolean; autopadding?: boolean });
    start(total: number, value: number, payload?: Record<string, string>): void;
    update(value: number, payload?: Record<string, string>): void;
    stop(): void;
  }
  const progress: { SingleBar: typeof SingleBar };
  export default progress;
}
