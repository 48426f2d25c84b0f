// Remembers every WebAssembly memory that an engine makes, so that its size can be read. Imported
// before the engine.

const memories = [];
const { Memory } = WebAssembly;
WebAssembly.Memory = new Proxy(Memory, {
  construct: (target, args) => {
    const memory = new target(...args);
    memories.push(memory);
    return memory;
  },
});

/** Bytes of all of them. They never shrink. */
export const heapBytes = () => memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
