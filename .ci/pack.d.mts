export class Model {
  ones: Float32Array;
  odds(contexts: number[]): number;
  learn(contexts: number[], value: number): void;
}
export function pack(bytes: Uint8Array): string;
