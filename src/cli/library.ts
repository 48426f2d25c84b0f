// The one door from the command line to the library: by its public names, and no other file of the
// command line imports from beyond its own folder.

export * from '../codec/index.ts';
export * from '../distributed/index.ts';
export * from '../export/index.ts';
export * from '../generate/index.ts';
export * from '../import/index.ts';
export * from '../index.ts';
export * from '../nats/index.ts';
export * from '../receipt/index.ts';
export * from '../tokenizer/index.ts';
export * from '../verify/index.ts';
