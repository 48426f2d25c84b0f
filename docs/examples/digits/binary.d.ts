// Files that esbuild puts into the bundle as bytes.
declare module '*.gz' {
  const bytes: Uint8Array;
  export default bytes;
}
