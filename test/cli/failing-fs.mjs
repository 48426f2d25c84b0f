// Loaded before the command line by --import: a file system that fails as RETROGRAD_TEST_FAILS
// says, JSON: { path: a pattern, code: the system's, times: how often (for ever), call: which
// function }.

import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const failure = JSON.parse(process.env.RETROGRAD_TEST_FAILS);
const { path, code, times = Infinity, call = 'openSync' } = failure;
const pattern = new RegExp(path);
const original = fs[call];
const open = fs.openSync;
const pathOf = new Map();
let left = times;

fs.openSync = (name, ...rest) => {
  const handle = open(name, ...rest);
  pathOf.set(handle, String(name));
  return handle;
};
const inner = call === 'openSync' ? fs.openSync : original;
fs[call] = (first, ...rest) => {
  const name = typeof first === 'number' ? pathOf.get(first) : String(first);
  if (name === undefined || !pattern.test(name) || left-- <= 0) return inner(first, ...rest);
  throw Object.assign(new Error(`${code}: injected`), { code });
};
syncBuiltinESMExports();
