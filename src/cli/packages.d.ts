// The parts that we use of a package that brings no types.

declare module 'cli-progress' {
  export class SingleBar {
    constructor(options: {
      format: (options: unknown, params: { value: number; total: number }) => string;
      stream?: NodeJS.WritableStream;
      fps?: number;
      clearOnComplete?: boolean;
    });
    start(total: number, value: number, payload?: Record<string, string>): void;
    update(value: number, payload?: Record<string, string>): void;
    stop(): void;
  }
  const progress: { SingleBar: typeof SingleBar };
  export default progress;
}
