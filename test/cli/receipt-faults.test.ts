// Faults of the machine that trains or of the one that audits, from the command line: the right
// step, block, tensor and kernel are named.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hex } from '../../src/core/digest.ts';
import { fillBatch, splitTokens } from '../../src/index.ts';
import { createReferenceBackend } from '../../src/kernels/reference/index.ts';
import { sealLine } from '../../src/receipt/format.ts';
import { readReceipt } from '../../src/receipt/index.ts';
import { runCase } from '../../src/verify/index.ts';
import { type Event, events, retrograd, TRAIN, workspace } from './command.ts';

let cwd: string;
let remove: () => void;
/** Weights that have a gradient, in the order of their updates. */
let trained: readonly string[];
const TEXT = ['--text', 'text.txt'];
const RUN = [...TRAIN, '--steps', '8', '--threads', '1'];
const SAVED = [...RUN, '--save-every', '4', '--keep-states'];
const file = (name: string): Uint8Array => readFileSync(join(cwd, name));

beforeAll(() => {
  ({ path: cwd, remove } = workspace());
  events([...SAVED, '--out', 'run', '--receipt', 'full.jsonl', '--receipt-full'], { cwd });
  events([...RUN, '--receipt', 'short.jsonl'], { cwd });
  trained = readReceipt(file('full.jsonl')).header.gradients as string[];
});
afterAll(() => remove());

/** What is wrong with a machine (faulty-kernel.mjs). */
interface Fault {
  kernel: string;
  argument: number;
  calls?: number[];
  bit?: number;
}

const machine = (fault: Fault): Record<string, string> => ({
  NODE_OPTIONS: `--import ${join(import.meta.dirname, 'faulty-kernel.mjs')}`,
  RETROGRAD_TEST_FAULT: JSON.stringify(fault),
});

/** The update of a tensor in a step, with a bit of what an argument points to turned over. */
const updateOf = (tensor: string, step: number, argument: number): Fault => ({
  kernel: 'adamw_i64',
  argument,
  calls: [(step - 1) * trained.length + trained.indexOf(tensor)],
  bit: 9,
});
const [WEIGHT, MOMENT, SPREAD] = [0, 2, 3];

let made = 0;
/** Trains on a machine with a fault; returns the receipt's file. */
function faulty(fault: Fault, ...words: string[]): string {
  const name = `${made++}.jsonl`;
  events([...RUN, '--receipt', name, ...words], { cwd, env: machine(fault) });
  return name;
}

/** What an audit finds. */
function found(words: readonly string[], fault?: Fault): { event: Event; code: number | null } {
  const env = fault && machine(fault);
  const { code, stdout, stderr } = retrograd(['audit', ...words, '--json'], { cwd, env });
  expect(stderr).toBe('');
  return { event: JSON.parse(stdout), code };
}

describe('a machine that trains with a fault', () => {
  test('a bit of one weight: the step, the block and the tensor', () => {
    const name = 'block.1.up.weight';
    const receipt = faulty(updateOf(name, 5, WEIGHT), '--receipt-full');
    const { event, code } = found([receipt, ...TEXT]);
    expect(event.difference).toEqual({ step: 5, fields: ['weights', 'state'], tensor: name });
    expect([code, event.equal, event.kernel]).toEqual([1, false, null]);
    const { stdout } = retrograd(['audit', receipt, ...TEXT], { cwd });
    expect(stdout).toMatch(/^step 5 differs: weights, state; first tensor block\.1\.up\.weight /m);
    expect(stdout).toMatch(/ \(block 1\)$/m);
    expect(stdout).toMatch(/^every kernel of step 5 computes here what the reference does$/m);
    expect(found(['full.jsonl', '--bisect', receipt])).toEqual({
      event: { event: 'bisect', equal: false, difference: event.difference },
      code: 1,
    });
    const short = faulty(updateOf(name, 5, WEIGHT));
    expect(found([short, ...TEXT]).event.difference).toEqual({ step: 5, fields: ['weights'] });
  });

  test.each([
    ['m', MOMENT],
    ['r', SPREAD],
  ])('a bit of one moment, %s: the step, the block and the tensor', (moment, argument) => {
    const name = 'block.0.qkv.weight';
    const receipt = faulty(updateOf(name, 3, argument), '--receipt-full');
    const tensor = `optimizer.${moment}.${name}`;
    const { event, code } = found([receipt, ...TEXT]);
    expect([event.difference, code]).toEqual([{ step: 3, fields: ['state'], tensor }, 1]);
  });

  test('a gradient: the step and the first tensor, and what follows from it', () => {
    const fault = { kernel: 'embedding_backward_i32i64', argument: 2, calls: [4 * 5], bit: 40 };
    const { event } = found([faulty(fault, '--receipt-full'), ...TEXT]);
    expect(event.difference).toMatchObject({ step: 6, gradient: 'token.weight' });
    expect(event.difference.fields).toEqual(['gradients', 'weights', 'state']);
  });

  test('parts side by side: those before and after the fault are equal', () => {
    const fault = updateOf(trained.at(-1)!, 3, WEIGHT);
    const saved = ['--save-every', '2', '--keep-states', '--out', 'faulty'];
    const parts = [faulty(fault, ...saved), ...TEXT, '--run', 'faulty'];
    const { event } = found([...parts, '--jobs', '2']);
    expect(event.difference).toMatchObject({ step: 3 });
    expect(found([...parts, '--only', '1-2']).event.equal).toBe(true);
    expect(found([...parts, '--only', '5-8']).event.equal).toBe(true);
    expect(found([...parts, '--only', '3-4']).event.difference.step).toBe(3);
    const alone = [...parts, '--only', '3-4', '--no-digest-thread'];
    expect(found(alone).event.difference.step).toBe(3);
  });

  test('whoever is accused finds the kernel on his own machine', () => {
    const fault = { kernel: 'softmax_forward_i32i16', argument: 2 };
    const receipt = faulty(fault);
    expect(found([receipt, ...TEXT]).event.difference.step).toBe(1);
    const { event, code } = found([receipt, ...TEXT, '--kernels-of', '2'], fault);
    expect([event.difference, event.kernel.kernel, code]).toEqual([null, fault.kernel, 2]);
  });
});

describe('a wrong batch', () => {
  /** Places of the training part that steps read: before step `step`, and in it. */
  function placesOf(length: number, step: number): { before: Set<number>; in: Set<number> } {
    const { train } = splitTokens(Int32Array.from({ length }, (_, i) => i));
    const [inputs, targets] = [new Int32Array(32), new Int32Array(32)];
    const read = (at: number): number[] => {
      fillBatch(train, { seed: 1, batch: 4, context: 8, step: at }, inputs, targets);
      return [...inputs, ...targets];
    };
    const before = Array.from({ length: step - 1 }, (_, at) => read(at)).flat();
    return { before: new Set(before), in: new Set(read(step - 1)) };
  }

  test('one character that step 6 is the first to read was another: step 6, its loss', () => {
    const text = readFileSync(join(cwd, 'text.txt'), 'utf8');
    const places = placesOf(text.length, 6);
    const place = [...places.in].find((at) => !places.before.has(at))!;
    const other = text[place] === 'e' ? 'o' : 'e';
    writeFileSync(join(cwd, 'other.txt'), text.slice(0, place) + other + text.slice(place + 1));
    const words = RUN.map((word) => (word === 'text.txt' ? 'other.txt' : word));
    events([...words, '--receipt', 'other.jsonl', '--receipt-full'], { cwd });
    const refused = retrograd(['audit', 'other.jsonl', ...TEXT], { cwd });
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('SHA-256')]);
    // says that it was the text
    const { header, lines } = readReceipt(file('other.jsonl'));
    const { data } = readReceipt(file('full.jsonl')).header;
    let seal = '';
    const forged = [{ ...header, data }, ...lines].map((line) => {
      const sealed = sealLine(seal, { ...line, chain: undefined });
      seal = sealed.seal;
      return `${sealed.text}\n`;
    });
    writeFileSync(join(cwd, 'forged.jsonl'), forged.join(''));
    const { event, code } = found(['forged.jsonl', ...TEXT]);
    expect([event.difference.step, code]).toEqual([6, 1]);
    expect(event.difference.fields).toEqual(['loss', 'gradients', 'weights', 'state']);
    expect(event.kernel).toBeNull();
  });
});

describe('a machine that audits with a fault', () => {
  const FAULTS: [string, Fault, string[]][] = [
    ['softmax', { kernel: 'softmax_forward_i32i16', argument: 2 }, []],
    ['a product', { kernel: 'gemm_i16i16i64', argument: 4, bit: 30 }, []],
    ['the update', { kernel: 'adamw_i64', argument: 0 }, []],
    ['rows of 8 bits', { kernel: 'pack_rows_i8', argument: 4 }, ['--operands', 'int8']],
  ];

  test.each(FAULTS)('%s: it cannot tell, and names its kernel with a case', (name, fault, more) => {
    const [receipt, path] = [`honest ${name}.jsonl`, `${name}.json`];
    events([...RUN, ...more, '--receipt', receipt], { cwd });
    const words = [receipt, ...TEXT, '--case', path];
    const { event, code } = found(words, fault);
    expect([code, event.equal, event.difference.step]).toEqual([2, false, 1]);
    expect(event.kernel.kernel).toBe(fault.kernel);
    const one = JSON.parse(readFileSync(join(cwd, path), 'utf8'));
    expect(one).toMatchObject({ kernel: fault.kernel, call: event.kernel.call });
    expect(one.computed).not.toBe(one.expected);
    if (fault.kernel === 'pack_rows_i8') return; // judged in test/receipt/kernel-fault.test.ts
    const { stream, args } = one;
    const judge = createReferenceBackend(2 ** 20);
    expect(hex(runCase(judge, one.kernel, { stream, args }))).toBe(one.expected);
  });

  test('says so to people', () => {
    const fault = { kernel: 'max_abs_i32', argument: 0 };
    const { code, stdout } = retrograd(['audit', 'short.jsonl', ...TEXT], {
      cwd,
      env: machine(fault),
    });
    expect(code).toBe(2);
    expect(stdout).toMatch(/^call \d+ of step 1, max_abs_i32, does not compute here what the /m);
    expect(stdout).toMatch(/this machine cannot be trusted \(expected \w{64}, computed \w{64}\)$/m);
  });
});
