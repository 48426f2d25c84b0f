// What the library's modules touch when they are imported and a bare engine shell (jsc,
// SpiderMonkey's js) does not have. Imported before them. What is decoded and encoded here is
// ASCII; a generator waits for all who want a pass.

globalThis.TextDecoder ??= class TextDecoder {
  decode(bytes) {
    if (bytes.some((byte) => byte > 127)) throw new Error('this shell has no TextDecoder');
    return Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  }
};
globalThis.TextEncoder ??= class TextEncoder {
  encode(text) {
    return Uint8Array.from(text, (character) => {
      const code = character.charCodeAt(0);
      if (code > 127) throw new Error('this shell has no TextEncoder');
      return code;
    });
  }
};
if (globalThis.MessageChannel === undefined)
  globalThis.setImmediate ??= (work) => Promise.resolve().then(work);
