// --operands and --kernels: which format the operands of products have, and what computes them.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chooseInt8, INT8_BUILDS } from '../../src/index.ts';
import { runsAll } from '../helpers/all.ts';
import { events, expectRefusal, retrograd, TRAIN, workspace } from './command.ts';

let cwd: string;
let remove: () => void;
const INT8 = [...TRAIN, '--steps', '4', '--operands', 'int8'];
const BUILDS = chooseInt8().hasRelaxed ? ['auto', ...INT8_BUILDS] : ['auto', 'baseline'];
const done = (words: string[]) => events(words, { cwd }).at(-1)!;

beforeAll(() => {
  ({ path: cwd, remove } = workspace());
});
afterAll(() => remove());

describe('--operands int8', () => {
  test('has one digest for all --kernels, which the first event names, not that of int16', () => {
    const runs = BUILDS.map((build) => events([...INT8, '--kernels', build], { cwd }));
    expect(new Set(runs.map((run) => run.at(-1)!.weightsSha256)).size).toBe(1);
    expect(runs[0][0].kernels).toMatch(/^int8 (relaxed|pairs|baseline): /);
    for (const [i, build] of BUILDS.entries())
      if (i > 0) expect(runs[i][0].kernels).toBe(`int8 ${build}: as asked for`);
    const [plan, ...rest] = events([...TRAIN, '--steps', '4'], { cwd });
    expect(plan.kernels).toBe('int16');
    expect(rest.at(-1)!.weightsSha256).not.toBe(runs[0].at(-1)!.weightsSha256);
  });

  test('the first lines say which kernels are at work and why', () => {
    const words = [...INT8, '--stop-at', '1', '--kernels', 'baseline'];
    expect(retrograd(words, { cwd }).stdout).toMatch(/^products int8 baseline: as asked for$/m);
    const int16 = [...TRAIN, '--steps', '4', '--stop-at', '1'];
    expect(retrograd(int16, { cwd }).stdout).toMatch(/^products int16$/m);
  });

  test('interrupted, and resumed with other kernels, it has the digest of the run at once', () => {
    const whole = done(INT8).weightsSha256;
    events([...INT8, '--stop-at', '2', '--out', 'part'], { cwd });
    const resume = ['train', 'gpt', '--text', 'text.txt', '--resume', 'part', '--out'];
    for (const build of BUILDS) {
      const words = [...resume, `on-${build}`, '--kernels', build, '--operands', 'int8'];
      const [plan, ...rest] = events(words, { cwd });
      expect(plan.kernels).toMatch(build === 'auto' ? /^int8 / : `int8 ${build}: as asked for`);
      expect(rest.at(-1)!.weightsSha256).toBe(whole);
    }
    expectRefusal(
      [...resume, 'other', '--operands', 'int16'],
      cwd,
      /--operands is int16 \(checkpoint: int8\), expected the checkpoint's/,
    );
  });

  test('a checkpoint says the format and not the kernels: it is the same file for all', () => {
    const files = BUILDS.map((build) => {
      events([...INT8, '--threads', '1', '--kernels', build, '--out', `of-${build}`], { cwd });
      return readFileSync(join(cwd, `of-${build}`, 'checkpoint.safetensors'));
    });
    expect(files.every((file) => file.equals(files[0]))).toBe(true);
    const { options } = events(['inspect', 'of-auto'], { cwd })[0];
    expect(options).toMatchObject({ operands: 'int8' });
    expect(Object.keys(options)).not.toContain('operandsOn');
    expect(retrograd(['inspect', 'of-auto'], { cwd }).stdout).toMatch(/operands\s+int8/);
  });

  test('a run of int16 says so, and its checkpoint has nothing of it', () => {
    events([...TRAIN, '--steps', '1', '--operands', 'int16', '--out', 'wide'], { cwd });
    events([...TRAIN, '--steps', '1', '--out', 'plain'], { cwd });
    const files = ['wide', 'plain'].map((run) =>
      readFileSync(join(cwd, run, 'checkpoint.safetensors')),
    );
    expect(files[0].equals(files[1])).toBe(true);
    expect(files[0].includes('operands')).toBe(false);
    expect(events(['inspect', 'wide'], { cwd })[0].options.operands).toBe('int16');
  });

  test('--init takes the format of its run, unless another is given', () => {
    events([...INT8, '--out', 'base'], { cwd });
    const words = ['train', 'gpt', '--text', 'text.txt', '--steps', '1', '--init', 'base'];
    const formatOf = (...more: string[]): string => events([...words, ...more], { cwd })[0].kernels;
    expect(formatOf()).toMatch(/^int8 /);
    expect(formatOf('--operands', 'int16')).toBe('int16');
  });
});

describe('other commands', () => {
  test.each([
    ['vit', []],
    ['translate', ['--vocabulary-size', '100']],
  ])('plan %s has less memory for weights with int8 operands on fast kernels', (kind, more) => {
    const total = (...words: string[]): number =>
      events(['plan', kind, ...more, ...words], { cwd })[0].bytes.workspace;
    if (chooseInt8().hasRelaxed)
      expect(total('--operands', 'int8', '--kernels', 'relaxed')).toBeLessThan(
        total('--operands', 'int8', '--kernels', 'baseline'),
      );
    expect(total('--operands', 'int8', '--kernels', 'baseline')).toBeGreaterThan(0);
  });

  test.runIf(runsAll)('bench measures both formats, or the one that is asked for', () => {
    const words = ['bench', '--layers', '1', '--channels', '8', '--heads', '2', '--context', '16'];
    const small = [...words, '--batch', '2', '--repeat', '2', '--threads', '1'];
    const both = events(small, { cwd });
    const products = both.filter(({ event }) => event === 'product');
    for (const { int8 } of products) {
      expect(INT8_BUILDS).toContain(int8.build);
      expect(int8.rate).toBeGreaterThan(0);
      expect(int8.ofInt16).toBeGreaterThan(0);
    }
    const [int16, int8] = both.filter(({ event }) => event === 'step');
    expect([int16.operands, int8.operands]).toEqual(['int16', 'int8']);
    expect(int8.ofInt16).toBeGreaterThan(0);
    const asked = [...small, '--operands', 'int8', '--kernels', 'baseline', '--profile'];
    const one = events(asked, { cwd });
    expect(one.filter(({ event }) => event === 'step')).toMatchObject([
      { operands: 'int8', kernels: 'int8 baseline: as asked for' },
    ]);
    const kernels = one.filter(({ event }) => event === 'kernel');
    expect(kernels.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['pack_rows_i8', 'gemm_i8i8i32', 'gemm_i8i8i64', 'gemm_i16i16i32']),
    );
    for (const { name, macs } of kernels) expect(macs > 0).toBe(name.startsWith('gemm_'));
  });

  test('plan takes the time of steps with the same operands, and says how to measure them', () => {
    const model = { layers: 6, channels: 128, heads: 4, context: 128, vocabulary: 256 };
    const of = { event: 'step', parameters: 1e6, batch: 8, reversible: 'bdia', model };
    const lines = [
      { ...of, milliseconds: 300 },
      { ...of, milliseconds: 100, operands: 'int8' },
    ];
    writeFileSync(join(cwd, 'both.jsonl'), lines.map((line) => JSON.stringify(line)).join('\n'));
    const time = (...words: string[]): number =>
      events(['plan', 'gpt', '--bench', 'both.jsonl', ...words], { cwd })[0].stepMilliseconds;
    expect(time() / time('--operands', 'int8')).toBeCloseTo(3, 6);
    writeFileSync(join(cwd, 'one.jsonl'), JSON.stringify(lines[0]));
    expectRefusal(
      ['plan', 'gpt', '--bench', 'one.jsonl', '--operands', 'int8'],
      cwd,
      /expected what bench gpt --operands int8 --json printed\. HINT: make it: /,
    );
  });

  test('refuses another word', () => {
    expectRefusal([...TRAIN, '--operands', 'int4'], cwd, /--operands is 'int4', expected int16 or/);
    expectRefusal([...TRAIN, '--kernels', 'fast'], cwd, /--kernels is 'fast', expected auto or/);
  });

  test.skipIf(chooseInt8().hasRelaxed)('refuses kernels that the runtime cannot run', () => {
    const refused = /the relaxed build cannot be had: .*HINT: leave it to 'auto'/;
    expectRefusal([...INT8, '--kernels', 'relaxed'], cwd, refused);
    expectRefusal(['train', 'gpt', '--resume', 'x', '--kernels', 'relaxed'], cwd, refused);
  });
});
