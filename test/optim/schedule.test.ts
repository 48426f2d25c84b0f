import { describe, expect, test } from 'vitest';
import { correctedRate } from '../../src/optim/adamw.ts';
import { constant, cosine, cosineQ60, squareRoot } from '../../src/optim/schedule.ts';

describe('schedule', () => {
  test('cosine is within 2^-48 of Math.cos on 1,001 points of [0, pi]', () => {
    let worst = 0;
    for (let i = 0; i <= 1000; i++) {
      const x = (3622009729038561421n * BigInt(i)) / 1000n;
      worst = Math.max(
        worst,
        Math.abs(Number(cosineQ60(x)) / 2 ** 60 - Math.cos((Math.PI * i) / 1000)),
      );
    }
    console.log(`cosine: worst ${worst.toExponential(2)}`);
    expect(worst).toBeLessThan(2 ** -48);
  });

  test('squareRoot is the exact floor for 3,000 numbers around squares and for large ones', () => {
    for (let i = 0n; i < 1000n; i++)
      for (const d of [-1n, 0n, 1n]) {
        const n = i * i * 10n ** (i % 30n) + d;
        if (n < 0n) continue;
        const r = squareRoot(n);
        expect(r * r <= n && (r + 1n) * (r + 1n) > n).toBe(true);
      }
  });

  test('warm-up is linear, the cosine ends at a tenth, constant stays', () => {
    const schedule = cosine(0.01, { warmup: 10 });
    const at = (step: number): number => Number(schedule.rate(step, 100)) / 2 ** 32;
    for (let step = 0; step < 10; step++) expect(at(step)).toBeCloseTo((0.01 * (step + 1)) / 10, 8);
    expect(at(10)).toBeCloseTo(0.01, 8);
    expect(at(55)).toBeCloseTo(0.0055, 8);
    expect(at(100)).toBeCloseTo(0.001, 8);
    for (let step = 10; step < 100; step++)
      expect(at(step)).toBeCloseTo(
        0.01 * (0.1 + 0.45 * (1 + Math.cos((Math.PI * (step - 10)) / 90))),
        8,
      );
    expect(constant(0.001, { warmup: 10 }).rate(99, 100)).toBe(BigInt(Math.round(0.001 * 2 ** 32)));
  });

  test('bias corrections agree with float64 to 8 digits for 400 steps', () => {
    for (let step = 0; step < 400; step++) {
      const expected =
        (2 ** 30 * Math.sqrt(1 - (127 / 128) ** (step + 1))) / (1 - (7 / 8) ** (step + 1));
      expect(Number(correctedRate(2n ** 30n, step)) / expected).toBeCloseTo(1, 8);
    }
  });
});
