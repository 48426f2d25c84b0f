// A run is its address: what is read from an address is what it was made of.

import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Address, canonical, fromHash, toHash, VIEWS } from '../../docs/playground/address.ts';
import { pack, unpack } from '../../docs/playground/pack.ts';
import {
  DEFAULTS,
  NUMBERS,
  RANGES,
  RULES,
  type Settings,
  TEXTS,
  warmupOf,
} from '../../docs/playground/settings.ts';

const numbers = Object.fromEntries(
  NUMBERS.map((name) => {
    const { least, most, isWhole } = RANGES[name];
    const real = fc.double({ min: least, max: most, noNaN: true });
    return [name, isWhole ? fc.integer({ min: least, max: most }) : real];
  }),
);
const settings = fc.record({
  ...numbers,
  text: fc.constantFrom(...TEXTS),
  rule: fc.constantFrom(...RULES),
}) as unknown as fc.Arbitrary<Settings>;
const hex = fc.string({
  unit: fc.constantFrom(...'0123456789abcdef'),
  minLength: 64,
  maxLength: 64,
});
const address = fc.record(
  {
    view: fc.constantFrom(...VIEWS),
    settings,
    other: fc.record(
      { rule: fc.constantFrom(...RULES), seed: fc.integer({ min: 0 }) },
      { requiredKeys: [] },
    ),
    starts: fc.boolean(),
    packed: fc.string({ unit: fc.constantFrom(...'abcXYZ019-_'), minLength: 1 }),
    textSha256: hex,
    digest: hex,
    otherDigest: hex,
  },
  { requiredKeys: ['view', 'settings', 'other', 'starts'] },
) as fc.Arbitrary<Address>;

describe('addresses of the playground', () => {
  test('what is read is what was written, without a complaint', () => {
    fc.assert(
      fc.property(address, (given) => {
        expect(fromHash(toHash(given))).toEqual({ address: given, problems: [] });
      }),
    );
  });

  test('an empty address is the run that the page begins with', () => {
    expect(fromHash('')).toEqual({
      address: { view: 'train', settings: DEFAULTS, other: {}, starts: false },
      problems: [],
    });
  });

  test('what cannot be is told, and the default taken', () => {
    const { address, problems } = fromHash(
      '#train&layers=0&channels=1e9&rule=none&seed=&steps=2.5&digest=abc&own=%3Cb%3E',
    );
    expect(address.settings).toEqual({ ...DEFAULTS, rule: 'none' });
    expect(address.digest).toBeUndefined();
    expect(address.packed).toBeUndefined();
    expect(problems).toEqual([
      'layers is 0, expected a whole number from 1 to 64: the address is not taken at its word',
      'channels is 1000000000, expected a whole number from 8 to 512: the address is not taken ' +
        'at its word',
      'steps is 2.5, expected a whole number from 1 to 1000000: the address is not taken at its ' +
        'word',
      'seed is NaN, expected a whole number from 0 to 9007199254740991: the address is not taken ' +
        'at its word',
      'own of the address is damaged',
      'digest of the address is damaged',
    ]);
  });

  test('no address whatever makes settings that the page does not allow', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom(...NUMBERS), fc.string(), (any, name, value) => {
        const { settings: read } = fromHash(`#${any}&${name}=${encodeURIComponent(value)}`).address;
        for (const one of NUMBERS) {
          expect(read[one]).toBeGreaterThanOrEqual(RANGES[one].least);
          expect(read[one]).toBeLessThanOrEqual(RANGES[one].most);
        }
        expect(RULES).toContain(read.rule);
      }),
    );
  });

  test('equal runs have one canonical form, other ones another', () => {
    const { seed } = DEFAULTS;
    expect(canonical({ ...DEFAULTS })).toBe(canonical(DEFAULTS));
    expect(canonical({ ...DEFAULTS, seed: seed + 1 })).not.toBe(canonical(DEFAULTS));
  });

  test('warm-up is a tenth of the run, at most 100 steps', () => {
    expect([9, 50, 600, 20_000].map((steps) => warmupOf({ ...DEFAULTS, steps }))).toEqual([
      0, 5, 60, 100,
    ]);
  });
});

describe('a text in the address', () => {
  test('comes back byte for byte', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 500 }), async (bytes) => {
        const packed = (await pack(bytes)) as string;
        expect(packed).toMatch(/^[\w-]+$/);
        expect(await unpack(packed)).toEqual(new Uint8Array(bytes));
      }),
      { numRuns: 30 },
    );
  });

  test('what is damaged is told in words', async () => {
    for (const damaged of ['AAAA_zz', 'a', '-'])
      await expect(unpack(damaged)).rejects.toThrow('the text in the address is damaged');
  });

  test('a text that is too long is left out', async () => {
    // what does not compress: digests one after the other
    const digests = Array.from({ length: 300 }, (_, i) =>
      createHash('sha256').update(String(i)).digest(),
    );
    const bytes = new Uint8Array(Buffer.concat(digests));
    expect(await pack(bytes)).toBeUndefined();
    expect(await pack(new Uint8Array(1_000_000))).toBeUndefined();
  });
});
