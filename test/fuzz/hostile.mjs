// Values that nobody expects, and good arguments spoiled with them.

import { types } from 'node:util';
import vm from 'node:vm';

// ---- values that nobody expects -----------------------------------------------------------------

const revoked = (target) => {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
};
export const detached = (array) => {
  structuredClone(array.buffer, { transfer: [array.buffer] });
  return array;
};
const raise = (error) => () => {
  throw error;
};
const traps = (error) =>
  Object.fromEntries(
    ['get', 'has', 'ownKeys', 'getPrototypeOf', 'getOwnPropertyDescriptor'].map((trap) => [
      trap,
      raise(error),
    ]),
  );
/** Another value whenever it is read. */
const changing = (...values) => {
  let reads = 0;
  return new Proxy({}, { get: () => values[reads++ % values.length] });
};
const realm = (code) => vm.runInNewContext(code);
const liar = (array, properties) =>
  Object.defineProperties(
    array,
    Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, { value }])),
  );
const tag = Symbol.toStringTag;

/** Makers, for some values are good for one use. */
const VALUES = [
  () => undefined,
  () => null,
  () => true,
  () => false,
  () => 0,
  () => -0,
  () => 1,
  () => -1,
  () => 0.5,
  () => NaN,
  () => Infinity,
  () => -Infinity,
  () => 2 ** 31,
  () => 2 ** 32,
  () => 2 ** 53,
  () => 1e308,
  () => 5e-324,
  () => 3,
  () => 1n,
  () => 2n ** 70n,
  () => '',
  () => '1',
  () => 'bdia',
  () => 'x'.repeat(1e5),
  () => '\ud800',
  () => '__proto__',
  () => Symbol('s'),
  () => Symbol.iterator,
  () => () => 1,
  () => raise(new TypeError('of the caller')),
  () => class {},
  () => [],
  () => [1, 2, 3],
  () => Object.assign(Array(3), { 0: 1, 2: 3 }),
  () => ['1'],
  () => Array(2 ** 32 - 1),
  () => [[1]],
  () => [null],
  () => ({}),
  () => Object.create(null),
  () => ({ length: 3 }),
  () => ({ length: 2 ** 40 }),
  () => ({ length: -1 }),
  () => ({ length: '3', 0: 1 }),
  () => ({
    get length() {
      throw new RangeError('of the caller');
    },
  }),

  () => ({
    toString: raise(new Error('s')),
    valueOf: raise(new Error('v')),
    [Symbol.toPrimitive]: raise(new Error('p')),
  }),
  () => JSON.parse('{"__proto__": {"batch": 1}, "length": 1}'),
  () => ({ name: 'norm.gain' }),
  () => ({ kind: 'bytes' }),
  () => new Proxy({}, traps(new TypeError('a trap'))),
  () => new Proxy([], traps(new RangeError('a trap'))),
  () => new Proxy(() => 1, traps(Symbol('thrown'))),
  () => new Proxy({}, traps(undefined)),
  () => new Proxy([1, 2], {}),
  () => new Proxy(new Int32Array(4), {}),
  () => new Proxy(new Uint8Array(4), {}),
  () => revoked({}),
  () => revoked([]),
  () => revoked(() => 1),
  () => changing(1, 'x', undefined),
  () => changing([], {}, 4, NaN),
  () => new Int32Array(4),
  () => Int32Array.of(0, 1, 2, 3),
  () => Int32Array.of(-1, 9, 2 ** 31, 3),
  () => new Int32Array(0),
  () => Int32Array.of(0, 1, 2, 3, 0, 1, 2, 3, 0),
  () => new Uint8Array(16),
  () => new Uint8Array(0),
  () => Buffer.from('a\tb\n'),
  () => new Int16Array(4),
  () => new Uint16Array(4),
  () => new Uint32Array(4),
  () => new Int8Array(4),
  () => new Uint8ClampedArray(16),
  () => Float64Array.of(0, NaN, Infinity),
  () => new Float32Array(4),
  () => new BigInt64Array(4),
  () => new DataView(new ArrayBuffer(4)),
  () => new ArrayBuffer(16),
  () => new SharedArrayBuffer(16),
  () => new Int32Array(new SharedArrayBuffer(16)),
  () => new Uint8Array(new SharedArrayBuffer(16)),
  () => detached(new Int32Array(4)),
  () => detached(new Uint8Array(16)),
  () => new Int32Array(new ArrayBuffer(16, { maxByteLength: 32 })),
  () => realm('Int32Array.of(0, 1, 2, 3)'),
  () => realm('new Uint8Array(16)'),
  () => realm('[0, 1]'),
  () => realm('({})'),
  () => realm('(() => 1)'),
  () => liar(new Int32Array(2), { length: 4 }),
  () => liar(new Float32Array(4), { [tag]: 'Int32Array' }),
  () => liar(new Uint8Array(2), { length: 16, buffer: 1 }),
  () => ({ [tag]: 'Int32Array', length: 4 }),
  () => new Date(NaN),
  () => /x/,
  () => new Map(),
  () => new Set([1]),
  () => Promise.resolve(1),
  () => new Error('e'),
  () => new URL('file:///nowhere'),
  () => globalThis,
  () => Math,
  () => new WeakMap(),
  () => 'abc'[Symbol.iterator](),
];
const hostile = (random) => random.pick(VALUES)();

// ---- arguments, and what becomes of them --------------------------------------------------------

/** An array or object that mutate() goes into: no hostile value of an earlier turn, and nothing
 *  with a prototype of its own. */
const isPlain = (value) => {
  if (typeof value !== 'object' || value === null || types.isProxy(value)) return false;
  if (Array.isArray(value) && value.length > 1e5) return false;
  return [Object.prototype, Array.prototype].includes(Object.getPrototypeOf(value));
};
const NAMES = ['lr', 'layer', 'learning_rate', '0', '__proto__', 'constructor', 'x', 'toString'];

/** A copy of an array or object, something of which is another: a property, a name, or all. */
function mutate(value, random) {
  if (!isPlain(value) || random.oneIn(5)) return hostile(random);
  const copy = Array.isArray(value) ? [...value] : { ...value };
  const keys = Object.keys(copy);
  const key = random.pick(keys);
  const way = random.below(8);
  if (keys.length === 0 || way === 0) return addTo(copy, random);
  if (way === 1) delete copy[key];
  else if (way === 2)
    Object.defineProperty(copy, key, { enumerable: true, get: () => hostile(random) });
  else copy[key] = mutate(copy[key], random);
  return copy;
}

function addTo(copy, random) {
  const property = { value: hostile(random), enumerable: true, configurable: true };
  Object.defineProperty(copy, random.pick(NAMES), property);
  return copy;
}

/** Good arguments, one to three of which are not; sometimes too few, or one more. */
export function spoil(args, random) {
  const spoiled = [...args];
  for (let n = 1 + random.below(3); n > 0 && args.length > 0; n--) {
    const at = random.below(args.length);
    spoiled[at] = mutate(spoiled[at], random);
  }
  if (random.oneIn(12)) spoiled.length = random.below(args.length + 1);
  if (random.oneIn(12)) spoiled.push(hostile(random));
  return spoiled;
}
