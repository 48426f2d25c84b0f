// What the library's modules touch when they are imported and a bare engine shell (jsc,
// SpiderMonkey's js) does not have. Imported before them. verify decodes and encodes no text, so
// those stand-ins only have to exist; a generator waits for all who want a pass.

globalThis.TextDecoder ??= class TextDecoder {
  decode() {
    throw new Error('this shell has no TextDecoder');
  }
};
globalThis.TextEncoder ??= class TextEncoder {
  encode() {
    throw new Error('this shell has no TextEncoder');
  }
};
if (globalThis.MessageChannel === undefined)
  globalThis.setImmediate ??= (work) => Promise.resolve().then(work);
