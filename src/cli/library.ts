// The one door from the command line to the library: by its public names, and no other file of the
// command line imports from beyond its own folder.

export { hex, sha256 } from '../core/digest.ts';
export * from '../index.ts';
export { packedBytes, panelStride } from '../kernels/kernels.ts';
export * from '../verify/index.ts';
