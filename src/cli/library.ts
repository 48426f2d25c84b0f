// The one door from the command line to the library: nothing else of src is imported by the files beside this one.

export * from '../all.ts';
export * from '../verify/index.ts';
export { packedBytes, panelStride } from '../kernels/kernels.ts';
