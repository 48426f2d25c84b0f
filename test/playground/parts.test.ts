// What the playground computes itself: curves, words for numbers, commands, its own texts.

import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { commandOf, resumeCommand } from '../../docs/playground/command.ts';
import { Curve } from '../../docs/playground/curve.ts';
import { about, bytes, count, duration } from '../../docs/playground/format.ts';
import { Pace } from '../../docs/playground/page/pace.ts';
import { DEFAULTS } from '../../docs/playground/settings.ts';
import { BUILT_IN } from '../../docs/playground/texts.ts';

describe('curves of the playground', () => {
  test('of 19,200 steps less than 800 points are kept, in order, with their mean', () => {
    const curve = new Curve();
    for (let step = 1; step <= 19_200; step++) curve.add(step, step);
    const { steps, values } = curve.points;
    expect(steps.length).toBeLessThan(800);
    expect(steps.length).toBeGreaterThanOrEqual(600);
    expect(curve.smooth.steps).toEqual(steps);
    expect(steps.every((step, i) => i === 0 || step > steps[i - 1])).toBe(true);
    expect(values.reduce((a, b) => a + b) / values.length).toBe(9600.5);
  });

  test('a constant stays one when it is smoothed', () => {
    for (const steps of [1, 2, 799, 800, 3001]) {
      const curve = new Curve();
      for (let step = 1; step <= steps; step++) curve.add(step, 2);
      const values = [...curve.points.values, ...curve.smooth.values, curve.last as number];
      expect(values.filter((value) => Math.abs(value - 2) > 1e-12)).toEqual([]);
    }
  });

  test('nothing has no last value', () => {
    expect(new Curve().last).toBeUndefined();
  });
});

describe('words of the playground', () => {
  test('bytes, counts, speeds and times', () => {
    expect([0, 1023, 1536, 2 ** 20 * 150, 2 ** 30 * 3.75].map(bytes)).toEqual([
      '0 B',
      '1023 B',
      '1.5 KiB',
      '150 MiB',
      '3.8 GiB',
    ]);
    expect([0, 999, 1234567].map(count)).toEqual(['0', '999', '1,234,567']);
    expect([Number.NaN, 0, 7, 12_345, 99_900].map(about)).toEqual([
      '0',
      '0',
      '7',
      '12,000',
      '100,000',
    ]);
    expect([-1, 4.25, 42, 185, 1800, 7800].map(duration)).toEqual([
      '–',
      '4.3 s',
      '42 s',
      '3 min 5 s',
      '30 min',
      '2 h 10 min',
    ]);
  });

  test('the pace is of the clock, and a pause is no part of it', () => {
    const pace = new Pace();
    expect([pace.speed(10), pace.left(10)]).toEqual(['–', '–']);
    pace.restart(1000);
    pace.take(5, 2000);
    expect([pace.speed(10), pace.left(10)]).toEqual(['50', '2.0 s']);
    pace.restart(60_000);
    pace.take(5, 61_000);
    expect(pace.left(10)).toBe('2.0 s');
  });

  test('commands name every setting that decides a bit', () => {
    expect(commandOf(DEFAULTS, 'ab')).toBe(
      [
        'node dist/cli.js train gpt',
        '--text stories.txt',
        '--layers 4 --channels 48 --heads 4 --context 48',
        '--batch 8 --reversible bdia --seed 1 --steps 600',
        '--learning-rate 0.008 --warmup 60',
        '--expect ab',
      ].join(' \\\n  '),
    );
    expect(resumeCommand(DEFAULTS)).toContain('--resume checkpoint.safetensors --out run');
  });
});

describe('texts of the playground', () => {
  const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

  test('are the same everywhere: published digests of weights depend on them', () => {
    const digests = Object.entries(BUILT_IN).map(([name, { make }]) => [name, sha256(make())]);
    expect(Object.fromEntries(digests)).toEqual({
      stories: '4102dd29f09f41002ca02aa97a7b49778257250ae7f4ae8187df11dd299f66f6',
      sums: '18fbe976fde9b680f916bae955094d6c339b2e1b24832ca4070f283e9483734a',
    });
  });

  test('every sum is right', () => {
    const lines = BUILT_IN.sums.make().trim().split('\n');
    expect(lines.length).toBe(3000);
    for (const line of lines) {
      const [, a, b, sum] = (/^(\d+)\+(\d+)=(\d+)$/.exec(line) as string[]).map(Number);
      expect(a + b).toBe(sum);
    }
  });

  test('what a text begins with has its characters', () => {
    for (const { make, prompt } of Object.values(BUILT_IN))
      for (const character of prompt) expect(make()).toContain(character);
  });
});
