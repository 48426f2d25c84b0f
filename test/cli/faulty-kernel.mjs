// Loaded before the command line by --import: a machine one of whose kernels is wrong, as
// RETROGRAD_TEST_FAULT says, JSON: { kernel, argument: that points to what is wrong, calls: which
// of its calls, from 0 (all of them), bit: which is turned over (0) }.

const fault = JSON.parse(process.env.RETROGRAD_TEST_FAULT);
const { kernel, argument, calls, bit = 0 } = fault;
const { Instance } = WebAssembly;
let made = 0;

function spoilt(run, memory) {
  return (...args) => {
    const result = run(...args);
    if (calls === undefined || calls.includes(made))
      new Uint8Array(memory.buffer)[args[argument] + (bit >> 3)] ^= 1 << (bit & 7);
    made++;
    return result;
  };
}

WebAssembly.Instance = function FaultyInstance(module, imports) {
  const { exports } = new Instance(module, imports);
  if (exports[kernel] === undefined) return { exports };
  return { exports: { ...exports, [kernel]: spoilt(exports[kernel], imports.env.memory) } };
};
