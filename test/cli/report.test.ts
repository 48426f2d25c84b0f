import { describe, expect, test, vi } from 'vitest';
import {
  byteCount,
  flagOf,
  inFlags,
  number,
  oneLine,
  quote,
  wholeNumber,
} from '../../src/cli/argv.ts';
import { bytes, count, duration, table } from '../../src/cli/format.ts';
import { lineReporter } from '../../src/cli/reporters.ts';
import { evaluateInSlices } from '../../src/cli/tasks/gpt.ts';
import { gpt, Trainer, textWindows } from '../../src/index.ts';

describe('numbers as people read them', () => {
  test('counts, bytes, durations', () => {
    expect([0, 999, 1000, 1234567].map(count)).toEqual(['0', '999', '1,000', '1,234,567']);
    expect([0, 1023, 1024, 1572864, 5 * 2 ** 30, 2 ** 45].map(bytes)).toEqual([
      '0 B',
      '1,023 B',
      '1.0 KiB',
      '1.5 MiB',
      '5.0 GiB',
      '32768.0 GiB',
    ]);
    expect([0, 8.44, 59.4, 125, 11220].map(duration)).toEqual([
      '0.0 s',
      '8.4 s',
      '59 s',
      '2 min 05 s',
      '3 h 07 min',
    ]);
    expect(
      table(
        [
          ['a', '10'],
          ['bcd', '9'],
        ],
        [1],
      ),
    ).toBe('a    10\nbcd   9');
  });
});

describe('words of the command line', () => {
  test('numbers are decimal, amounts have binary units', () => {
    expect(['1', '-2.5', '1e3', '.5', '+7'].map(number('--x'))).toEqual([1, -2.5, 1000, 0.5, 7]);
    for (const bad of ['', ' ', '1 ', '0x1', '1e', '--1', '1,5', 'Infinity', '１'])
      expect(() => number('--x')(bad), bad).toThrow(/^--x is '.*', expected a number/);
    expect(['1', '1k', '1.5MiB', '2 GB', '4G'].map(byteCount('--m'))).toEqual([
      1,
      1024,
      1572864,
      2 ** 31,
      2 ** 32,
    ]);
    for (const bad of ['', '0', '-1', 'MiB', '1TB', '4.1G', '1e3'])
      expect(() => byteCount('--m')(bad), bad).toThrow(/^--m is '.*', expected 1 byte to 4GiB/);
    expect(() => wholeNumber('--n', 1, 5)('6')).toThrow(
      "--n is '6', expected a whole number from 1 to 5",
    );
  });

  test('what was given is quoted short and on one line', () => {
    expect(quote('x'.repeat(100))).toBe(`'${'x'.repeat(60)}...'`);
    expect(oneLine('a\nb\u001b[2J\u2028\u0085')).toBe('a\\nb\\u001b[2J\\u2028\\u0085');
  });

  test('names of the library become flags', () => {
    expect(flagOf('learningRate')).toBe('--learning-rate');
    expect(inFlags('batch is 0, expected', ['batch'])).toBe('--batch is 0, expected');
    expect(inFlags('microBatch 3 does not divide batch 8', ['batch', 'microBatch'])).toBe(
      '--micro-batch 3 does not divide batch 8',
    );
    expect(inFlags('vocabulary is 1', ['batch'])).toBe('vocabulary is 1');
  });
});

describe('plain progress', () => {
  test('is 20 or 21 lines, or one a step, for any number of steps', () => {
    for (const to of [1, 5, 20, 21, 100, 2000, 99_999]) {
      let lines = 0;
      const spy = vi.spyOn(process.stdout, 'write').mockImplementation(() => {
        lines++;
        return true;
      });
      const reporter = lineReporter({ from: 0, to, unit: 'tokens', unitsPerStep: 8 });
      for (let step = 1; step <= to; step++) reporter.step({ step, loss: 1 } as never, 1);
      spy.mockRestore();
      expect(lines, `${to} steps`).toBeLessThanOrEqual(21);
      expect(lines).toBeGreaterThanOrEqual(Math.min(to, 20));
    }
  });
});

describe('evaluateInSlices', () => {
  test('equals trainer.evaluate to the last bit, for any windows and micro-batch', async () => {
    for (const microBatch of [1, 3, 12]) {
      const model = gpt({ vocabulary: 50, layers: 1, channels: 8, heads: 2, context: 4 });
      const trainer = Trainer.create({ model, batch: 12, microBatch, steps: 10 });
      for (const windows of [1, 2, 31, 32, 33, 36, 37, 100]) {
        const tokens = Int32Array.from(
          { length: windows * 4 + 3 },
          (_, i) => (i * i * 7 + windows) % 50,
        );
        const seen: number[] = [];
        expect(await evaluateInSlices(trainer, tokens, (done, of) => seen.push(done, of))).toBe(
          trainer.evaluate(textWindows(tokens, 4)).loss,
        );
        expect(seen.slice(-2)).toEqual([windows, windows]);
      }
    }
  });
});
