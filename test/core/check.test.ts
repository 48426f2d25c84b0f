// The checks of arguments: every value is refused or returned, misspelt names are understood, and
// nothing else than UsageError is thrown.

import vm from 'node:vm';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  callback,
  choice,
  fields,
  list,
  properties,
  real,
  refuse,
  show,
  text,
  typed,
  whole,
} from '../../src/core/check.ts';
import { UsageError } from '../../src/core/errors.ts';
import { IntegerRows } from '../../src/layers/check.ts';

const thrown = (call: () => unknown): unknown => {
  try {
    call();
  } catch (error) {
    return error;
  }
  return undefined;
};
const messageOf = (call: () => unknown): string => {
  const error = thrown(call);
  expect(error).toBeInstanceOf(UsageError);
  return (error as UsageError).message;
};

const revoked = (target: object): object => {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
};
const trap = (): never => {
  throw new RangeError('a trap');
};
const throwing = new Proxy({}, { get: trap, ownKeys: trap });
const digit = (name: string, value: unknown): number => whole(name, value, 0, 9);
/** Values that break code which looks at them. */
const HOSTILE: readonly unknown[] = [
  undefined,
  null,
  true,
  NaN,
  -0,
  Infinity,
  -1,
  0.5,
  2 ** 53,
  5n,
  '',
  '3',
  'x'.repeat(1e6),
  Symbol('s'),
  Symbol.iterator,
  [],
  // biome-ignore lint/suspicious/noSparseArray: a hostile input
  [1, , 3],
  ['1'],
  [NaN],
  {},
  { length: 3 },
  { length: -1 },
  { length: 2 ** 40 },
  { length: '2' },
  { length: 5n },
  Object.create(null),
  { valueOf: trap, toString: trap },
  () => 1,
  class {},
  new Date(NaN),
  /x/,
  new Float32Array([NaN]),
  new BigInt64Array(2),
  new DataView(new ArrayBuffer(4)),
  new ArrayBuffer(8),
  new SharedArrayBuffer(8),
  revoked({}),
  revoked([]),
  revoked(() => 1),
  throwing,
  new Proxy([1, 2], {}),
  new Proxy(new Int32Array(2), {}),
  {
    get length() {
      return trap();
    },
  },
  JSON.parse('{"__proto__": {"a": 1}}'),
  { __proto__: { a: 1 } },
];

const rows = new IntegerRows();
const SHAPE = { count: 2, width: 2, low: 0, high: 10 };
/** Two rows of two numbers from low to high, as a layer copies them. */
const taken = (values: unknown, low: number, high: number): number[] => {
  rows.take({ name: 'x', values }, undefined, { ...SHAPE, low, high });
  return [...rows.values];
};

describe('what a check lets pass, it returns; all else is a UsageError', () => {
  const checks: Readonly<Record<string, (value: never) => unknown>> = {
    real: (v) => real('x', v, 0, 10),
    whole: (v) => whole('x', v, 0, 10),
    choice: (v) => choice('x', v, ['a', 'b']),
    text: (v) => text('x', v),
    callback: (v) => callback('x', v),
    typed: (v) => typed('x', v, 'Int32Array'),
    integers: (v) => rows.take({ name: 'x', values: v }, undefined, SHAPE),
    list: (v) => list('x', v, digit),
    properties: (v) => properties('x', v, ['a']),
    fields: (v) => fields('x', v, { a: 1 } as never),
    refuse: (v) => refuse('x', v, 'y'),
    show: (v) => show(v),
  };
  for (const [name, check] of Object.entries(checks))
    test(name, () => {
      for (const value of HOSTILE) {
        const error = thrown(() => check(value as never));
        if (error !== undefined) expect(error).toBeInstanceOf(UsageError);
        if (error !== undefined) expect((error as Error).message.length).toBeLessThan(200);
      }
      const seed = Date.now();
      const anything = fc.anything({
        withBigInt: true,
        withSparseArray: true,
        withTypedArray: true,
        withNullPrototype: true,
      });
      fc.assert(
        fc.property(anything, (value) => {
          const error = thrown(() => check(value as never));
          return error === undefined || error instanceof UsageError;
        }),
        { seed, numRuns: 300 },
      );
    });
});

test('numbers: range, kind, and -0', () => {
  expect(whole('x', -0, 0, 3)).toBe(-0);
  expect(whole('x', 3, 0, 3)).toBe(3);
  for (const value of [-1, 4, 1.5, NaN, Infinity, '1', 1n, null, true, [1]])
    expect(messageOf(() => whole('x', value, 0, 3))).toMatch(
      /^x is .*, expected a whole number from 0 to 3$/,
    );
  expect(real('x', 0.5, 0, 1)).toBe(0.5);
  for (const value of [-0.1, 1.1, NaN, '0.5', 1n, Symbol('q')])
    expect(messageOf(() => real('x', value, 0, 1))).toMatch(
      /^x is .*, expected a number from 0 to 1$/,
    );
  expect(messageOf(() => whole('x', '12', 0, 3))).toBe(
    'x is "12", expected a whole number from 0 to 3',
  );
});

test('choices', () => {
  expect(choice('x', false, [true, false])).toBe(false);
  expect(messageOf(() => choice('x', 1, [true, false]))).toBe('x is 1, expected true or false');
  expect(messageOf(() => choice('x', 'd', ['a', 'b', 'c']))).toBe(
    'x is "d", expected one of a, b, c',
  );
});

describe('typed arrays', () => {
  test('of another realm pass, as do subclasses; what looks like one is refused', () => {
    const foreign = vm.runInNewContext('Int32Array.of(1, 2)') as Int32Array;
    expect(foreign instanceof Int32Array).toBe(false);
    expect(typed('x', foreign, 'Int32Array')).toBe(foreign);
    expect(typed('x', Buffer.from('ab'), 'Uint8Array').length).toBe(2);
    const fake = { [Symbol.toStringTag]: 'Int32Array', length: 2 };
    const view = new DataView(new ArrayBuffer(4));
    for (const value of [[1, 2], Uint16Array.of(1), Float32Array.of(1), fake, view])
      expect(messageOf(() => typed('x', value, 'Int32Array'))).toMatch(
        /^x is of type \w+, expected Int32Array\. HINT: make one/,
      );
    const liar = new Float32Array(2);
    Object.defineProperty(liar, Symbol.toStringTag, { value: 'Int32Array' });
    expect(messageOf(() => typed('x', liar, 'Int32Array'))).toContain('of type Float32Array');
  });
  test('lengths are those of the array, not what a subclass says', () => {
    class Liar extends Int32Array {
      override get length(): number {
        return 4;
      }
    }
    expect(messageOf(() => typed('x', new Liar(2), 'Int32Array', 4))).toBe(
      'the length of x is 4, expected 2',
    );
    expect(messageOf(() => typed('x', new Int32Array(3), 'Int32Array', 4, 8))).toBe(
      'x has 3 elements, expected 4 to 8',
    );
  });
  test('detached: empty', () => {
    const gone = Int32Array.of(1, 2);
    structuredClone(gone.buffer, { transfer: [gone.buffer] });
    expect(messageOf(() => typed('x', gone, 'Int32Array', 1, 9))).toBe(
      'x has 0 elements, expected 1 to 9',
    );
  });
  test('integers are in range, and copied whatever a subclass says', () => {
    const given = Int32Array.of(3, 9, -1, 0);
    expect(taken(given, -1, 9)).toEqual([3, 9, -1, 0]);
    given[2] = 77;
    expect([...rows.values]).toEqual([3, 9, -1, 0]);
    expect(messageOf(() => taken(given, -1, 9))).toBe(
      'x[2] is 77, expected a whole number from -1 to 9',
    );
    class Evil extends Int32Array {
      override subarray(): Int32Array<ArrayBuffer> {
        return Int32Array.of(2 ** 30);
      }
    }
    const shared = new Int32Array(new SharedArrayBuffer(16));
    const foreign = vm.runInNewContext('new Int32Array(4)');
    for (const other of [shared, foreign, new Evil(4)])
      expect(taken(other, 0, 0)).toEqual([0, 0, 0, 0]);
    const whole = { name: 'lengths', values: Evil.of(1, 2) };
    rows.take({ name: 'x', values: Evil.of(1, 2, 3, 4) }, whole, SHAPE);
    expect([...rows.values, ...rows.lengths]).toEqual([1, 0, 3, 4, 1, 2]);
  });
});

test('lists are copies whose elements are read once', () => {
  let reads = 0;
  const once = {
    length: 2,
    get 0() {
      reads++;
      return reads;
    },
    1: 5,
  };
  expect(list('x', once, digit)).toEqual([1, 5]);
  expect(reads).toBe(1);
  // biome-ignore lint/suspicious/noSparseArray: a hostile input
  expect(messageOf(() => list('x', [1, , 3], digit))).toBe(
    'x[1] is undefined, expected a whole number from 0 to 9',
  );
  expect(messageOf(() => list('x', { length: 2 ** 40 }, digit))).toContain(
    'the length of x is 1099511627776',
  );
});

describe('options', () => {
  const none = undefined;
  const known = {
    learningRate: 0.5,
    layers: none,
    vocabulary: none,
    microBatch: none,
    weightDecay: 1,
    clip: 2,
  };
  test('defaults stand for what is left out or undefined; null is a value', () => {
    expect(
      fields('options', { layers: 3, clip: undefined, weightDecay: null }, known as never),
    ).toEqual({ ...known, layers: 3, weightDecay: null });
  });
  test('a misspelt name is refused with the one that was meant', () => {
    for (const [given, meant] of [
      ['lr', 'learningRate'],
      ['learning_rate', 'learningRate'],
      ['LearningRate', 'learningRate'],
      ['learning-rate', 'learningRate'],
      ['layer', 'layers'],
      ['n_layer', 'layers'],
      ['vocab', 'vocabulary'],
      ['vocabluary', 'vocabulary'],
      ['micro_batch_size', 'microBatch'],
      ['wd', 'weightDecay'],
      ['clipping', 'clip'],
      ['weigthDecay', 'weightDecay'],
    ])
      expect(messageOf(() => fields('options', { [given]: 1 }, known as never))).toBe(
        `options cannot have "${given}". HINT: perhaps ${meant} was meant`,
      );
    for (const given of ['zzz', '', '0', '__proto__', 'é', 'toString'])
      expect(
        messageOf(() => fields('options', JSON.parse(`{${JSON.stringify(given)}: 1}`), known)),
      ).toMatch(/^options cannot have ".*"\. HINT: perhaps one of learningRate, .* was meant$/);
  });
  test('each option is read once, whatever it is the next time', () => {
    let reads = 0;
    const given = {
      get clip() {
        return ++reads;
      },
    };
    const { clip } = fields<{ clip: number }>('options', given, known);
    expect([clip, reads]).toEqual([1, 1]);
  });
  test('a getter that throws and a revoked proxy are UsageErrors', () => {
    expect(messageOf(() => fields('options', throwing as never, known as never))).toBe(
      'options cannot be read: RangeError: a trap',
    );
    expect(messageOf(() => fields('options', revoked({}) as never, known as never))).toBe(
      "options cannot be read: TypeError: Cannot perform 'get' on a proxy that has been revoked",
    );
    expect(messageOf(() => fields('options', undefined as never, known as never))).toBe(
      'options is undefined, expected an object',
    );
  });
});
