// The release binary in text form: integers only, one imported memory, nothing relaxed.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const text = readFileSync(new URL('../../build/release.wat', import.meta.url), 'utf8');
const FLOAT = /\b(?:f32|f64|f32x4|f64x2)\b/g;
const INSTRUCTION = /\b(?:i32|i64|v128|i8x16|i16x8|i32x4|i64x2)\.[a-z]\w*/g;

describe('build/release.wat', () => {
  it('has more than 1,000 integer instructions and not one float type or instruction', () => {
    expect(text.match(INSTRUCTION)?.length ?? 0).toBeGreaterThan(1000);
    expect(text.match(FLOAT) ?? []).toEqual([]);
  });

  it('the pattern finds each kind of float: types, scalar and vector instructions', () => {
    for (const sample of [
      '(param f32)',
      '(local $x f64)',
      'f32.add',
      'f64.const 1',
      'f32x4.mul',
      'f64x2.splat',
      'i32.trunc_f64_s',
      'i32x4.trunc_sat_f32x4_s',
    ])
      expect(sample.replace(/_/g, '.').match(FLOAT), sample).not.toBeNull();
  });

  it('uses the exact dot product of int16 lanes and no relaxed instruction', () => {
    expect(text).toContain('i32x4.dot_i16x8_s');
    expect(text).not.toMatch(/relaxed/);
  });

  it('imports one memory and nothing else', () => {
    expect(
      text.match(/^\s*\(import .*$/gm)?.map((line) => line.trim().replace(/\$\S+ /, '')),
    ).toEqual([expect.stringMatching(/^\(import "env" "memory" \(memory/)]);
  });
});
