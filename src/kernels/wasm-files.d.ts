// A WebAssembly module imported by path is its bytes (.ci/build.mjs, and test/helpers/wasm-plugin.mjs in the tests) or, in dist/worker.js,
// the module that the runtime made of it.
declare module '*.wasm' {
  const bytes: Uint8Array<ArrayBuffer> | WebAssembly.Module;
  export default bytes;
}
