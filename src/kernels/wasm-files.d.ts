// A WebAssembly module imported by path is its bytes: esbuild's binary loader, and test/helpers/wasm-plugin.mjs in the tests.
declare module '*.wasm' {
  const bytes: Uint8Array<ArrayBuffer>;
  export default bytes;
}
