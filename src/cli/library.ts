// The one door from the command line to the library: nothing else of src is imported by the files
// beside this one.

export * from '../index.ts';
export * from '../verify/index.ts';
export { toLittleEndian } from '../checkpoint/bytes.ts';
export { hex, sha256 } from '../core/digest.ts';
export { STARTING } from '../threads/pool.ts';
export { packedBytes, panelStride } from '../kernels/kernels.ts';
