// A WebAssembly module imported by path: a function that returns its bytes (.ci/build.mjs), the
// bytes themselves (esbuild's binary loader and test/helpers/wasm-plugin.mjs) or, in
// dist/worker.js, the module that the runtime made of it.
declare module '*.wasm' {
  const source: Uint8Array<ArrayBuffer> | WebAssembly.Module | (() => Uint8Array<ArrayBuffer>);
  export default source;
}
