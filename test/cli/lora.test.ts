// Low-rank adapters from the command line: --lora learns one on the weights of a run, and what it
// learned is resumed, inspected, sampled, learned on from, exported alone and merged.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Gpt2 } from '../helpers/gpt2-float64.ts';
import { loadPeft } from '../helpers/peft-float64.ts';
import { type Event, events, retrograd, TRAIN, textOf, workspace } from './command.ts';

let cwd: string;
let remove: () => void;
const LORA = ['train', 'gpt', '--init', 'base', '--text', 'other.txt', '--steps', '6'];
const inspected = (run: string): Event => events(['inspect', run], { cwd })[0];
const done = (words: string[]): Event => events(words, { cwd }).at(-1)!;

beforeAll(() => {
  ({ path: cwd, remove } = workspace());
  writeFileSync(join(cwd, 'other.txt'), textOf(1500).split('').reverse().join(''));
  events([...TRAIN, '--steps', '6', '--bias', '--reversible', 'none', '--out', 'base'], { cwd });
  const words = [...LORA, '--lora', '4', '--learning-rate', '0.02', '--out', 'fine'];
  const { stdout } = retrograd(words, { cwd });
  expect(stdout).toMatch(/parameters, 2,304 of them trained, vocabulary/);
});
afterAll(() => remove());

describe('--lora', () => {
  test('trains B alone; the checkpoint keeps rank and matrices, and inspect says them', () => {
    const [base, fine] = ['base', 'fine'].map(inspected);
    const b = fine.tensors.filter(({ name }: Event) => /^block\.\d\.\w+\.lora\.weight$/.test(name));
    expect(b).toHaveLength(8);
    for (const { name, min, max } of b) expect([name, min < 0 && max > 0]).toEqual([name, true]);
    const weights = base.tensors.filter(({ name }: Event) => !name.startsWith('optimizer.'));
    for (const tensor of weights) expect(fine.tensors).toContainEqual(tensor);
    expect(fine.options.lora).toBe('4:qkv,projection,up,down');
    expect(base.options.lora).toBeUndefined();
    const { stdout } = retrograd(['inspect', 'fine'], { cwd });
    expect(stdout).toContain(`, 2,304 of them trained`);
    expect(stdout.replace(/\s+/g, ' ')).toContain('lora 4:qkv,projection,up,down');
  });

  test('interrupted and resumed it has the digest of the run at once; others are refused', () => {
    const words = [...LORA, '--lora', '4', '--learning-rate', '0.02'];
    events([...words, '--stop-at', '2', '--out', 'part'], { cwd });
    const { code, stderr } = retrograd(['train', 'gpt', '--resume', 'part', '--lora', '5'], {
      cwd,
    });
    expect(stderr).toMatch(/--lora is 5:qkv,projection,up,down \(checkpoint: 4:qkv,proj/);
    expect(code).toBe(2);
    const resumed = done(['train', 'gpt', '--resume', 'part', '--lora', '4']);
    expect(resumed.weightsSha256).toBe(inspected('fine').weightsSha256);
  });

  test('matrices may be named; the seed draws A; --freeze lets others learn', () => {
    const digest = (...words: string[]): string => done([...LORA, ...words]).weightsSha256;
    const some = digest('--lora', '2:qkv,down');
    expect(digest('--lora', '02:qkv,down,qkv')).toBe(some);
    const others = [
      digest('--lora', '2:qkv'),
      digest('--lora', '2:qkv,down', '--seed', '2'),
      digest('--lora', '2:qkv,down', '--freeze', '*,!*.lora.weight,!*.gain'),
    ];
    expect(new Set([some, ...others]).size).toBe(4);
  });

  test('plan and bench say what it takes', () => {
    const shape = ['--layers', '2', '--channels', '64', '--heads', '2', '--lora', '8:qkv'];
    const [plan] = events(['plan', 'gpt', ...shape], { cwd });
    expect(plan.bytes.gradients).toBe(8 * 2 * 8 * 3 * 64);
    const timed = events(['bench', 'gpt', ...shape, '--repeat', '1'], { cwd });
    expect(timed.some(({ event }) => event === 'step')).toBe(true);
  });

  test.each<[string, string[], RegExp]>([
    ['rank 0', ['--lora', '0'], /--lora is '0', expected a rank from 1 to 128\. HINT: names of/],
    ['rank 129', ['--lora', '129'], /--lora is '129', expected a rank from 1 to 128/],
    ['no rank', ['--lora', 'qkv'], /--lora is 'qkv', expected a rank from 1 to 128/],
    ['an empty name', ['--lora', '8:qkv,'], /--lora is '8:qkv,', expected a rank/],
    ['a name of no matrix', ['--lora', '8:qvk'], /the adapter is on "qvk", which none of the mod/],
  ])('%s is refused', (_, words, message) => {
    const { code, stdout, stderr } = retrograd([...LORA, ...words], { cwd });
    expect(stderr).toMatch(message);
    expect([code, stdout]).toEqual([2, '']);
  });

  test('without weights to begin with it is refused', () => {
    const { code, stderr } = retrograd([...TRAIN, '--lora', '8'], { cwd });
    expect(stderr).toMatch(
      /--lora is given, but no weights to begin with, expected --init DIR too/,
    );
    expect(code).toBe(2);
  });
});

describe('a run with an adapter', () => {
  const exported = (run: string, to: string, ...words: string[]): Event =>
    events(['export', run, '--to', to, '--out', `${run}-${to}`, ...words], { cwd })[0];

  test('leaves merged, and alone for PEFT: in float64 both are one model', () => {
    const { weightsSha256, files } = exported('fine', 'hf');
    expect(weightsSha256).not.toBe(inspected('fine').weightsSha256);
    expect(files.map(({ name }: Event) => name)).toContain('config.json');
    exported('base', 'hf');
    const alone = exported('fine', 'peft', '--base', 'base-hf');
    expect(alone.weightsSha256).toBe(inspected('fine').weightsSha256);
    const path = join(cwd, 'fine-peft', 'adapter_config.json');
    expect(JSON.parse(readFileSync(path, 'utf8')).base_model_name_or_path).toBe('base-hf');
    const { gpt2, matrices } = loadPeft(join(cwd, 'base-hf'), join(cwd, 'fine-peft'));
    expect(matrices).toBe(8);
    const tokens = [3, 1, 4, 1, 5, 9, 2, 6];
    const [ours, theirs] = [gpt2, Gpt2.load(join(cwd, 'fine-hf'))].map((one) => one.logits(tokens));
    const before = Gpt2.load(join(cwd, 'base-hf')).logits(tokens);
    const largest = (rows: Float64Array[]): number =>
      Math.max(...rows.flatMap((row, t) => [...row].map((l, v) => Math.abs(l - theirs[t][v]))));
    expect(largest(ours)).toBeLessThan(1e-4);
    expect(largest(before)).toBeGreaterThan(0.1);
  });

  test('is sampled and judged with it; its log tells what it began with', () => {
    const sample = (run: string): string =>
      events(['sample', run, '--prompt', 'the', '--temperature', '1'], { cwd })[0].text;
    expect(sample('fine')).not.toBe(sample('base'));
    const loss = (run: string): number =>
      events(['eval', run, '--text', 'other.txt', '--part', 'all'], { cwd })[0].loss;
    expect(loss('fine')).toBeLessThan(loss('base') - 0.02);
    const [plan] = readFileSync(join(cwd, 'fine/log.jsonl'), 'utf8')
      .split('\n')
      .map((line) => (line === '' ? {} : JSON.parse(line)));
    expect(plan.init.weightsSha256).toBe(inspected('base').weightsSha256);
  });

  test('is merged where another run begins with it', () => {
    const words = ['train', 'gpt', '--init', 'fine', '--text', 'other.txt', '--steps', '2'];
    events([...words, '--stop-at', '1', '--freeze', '*', '--out', 'whole'], { cwd });
    const { weightsSha256, options } = inspected('whole');
    expect(weightsSha256).toBe(exported('fine', 'safetensors').weightsSha256);
    expect(options.lora).toBeUndefined();
    expect(done([...words, '--lora', '2:up', '--reversible', 'bdia']).steps).toBe(2);
  });

  test.each<[string, string[], RegExp]>([
    ['a run without one', ['base', '--to', 'peft'], /the model has no adapter/],
    [
      '--base of another form',
      ['fine', '--to', 'gguf', '--base', 'x'],
      /--base is given with --to/,
    ],
    ['--name of peft', ['fine', '--to', 'peft', '--name', 'x'], /--name is given with --to peft/],
  ])('%s is refused', (_, words, message) => {
    const { code, stderr } = retrograd(['export', ...words, '--out', 'nothing'], { cwd });
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
  });
});
