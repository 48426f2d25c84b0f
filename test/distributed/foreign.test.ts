// docs/distributed.md is enough to write a worker: this one shares no code with the library but the
// computing itself.

import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  Coordinator,
  type CoordinatorEvent,
  computePart,
  type Desk,
} from '../../src/distributed/index.ts';
import { isWeight } from '../../src/index.ts';
import { alone, batchOf, create, RUN, STEPS } from './schedule.ts';

type Bytes = Uint8Array<ArrayBuffer>;
const sha256 = (bytes: Uint8Array | string): string =>
  createHash('sha256').update(bytes).digest('hex');

const message = (head: object, body: Uint8Array = Buffer.alloc(0)): Bytes =>
  Uint8Array.from(Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), body]));
const headOf = (bytes: Bytes) => JSON.parse(Buffer.from(bytes).toString().split('\n')[0]);

/** Numbers of so many bytes from their blocks of 64. */
function uncode(coded: Buffer, count: number, width: number): bigint[] {
  const blocks = Math.ceil(count / 64);
  let at = Math.ceil((2 * blocks) / 4) * 4;
  const numbers: bigint[] = [];
  for (let block = 0; block < blocks; block++) {
    const [bits, zeros] = coded.subarray(2 * block);
    expect(bits + zeros).toBeLessThanOrEqual(8 * width);
    const length = Math.min(64, count - 64 * block);
    const bytes = Math.ceil((bits * length) / 32) * 4;
    const hex = Buffer.from(coded.subarray(at, at + bytes))
      .reverse()
      .toString('hex');
    const all = BigInt(`0x0${hex}`);
    for (let i = 0; i < length; i++) {
      const z = BigInt.asUintN(bits, all >> BigInt(bits * i));
      numbers.push((z % 2n === 0n ? z / 2n : -(z + 1n) / 2n) << BigInt(zeros));
    }
    at += bytes;
  }
  expect(coded.length).toBe(at);
  return numbers;
}

/** Zero bits that all numbers end with; 0 if all are 0. */
function zerosOf(numbers: bigint[]): number {
  const any = numbers.reduce((all, x) => all | x, 0n);
  let zeros = 0;
  while (any !== 0n && (any >> BigInt(zeros)) % 2n === 0n) zeros++;
  return zeros;
}

/** Numbers as blocks of 64, as the page says. */
function code(numbers: bigint[]): Buffer {
  const blocks = Math.ceil(numbers.length / 64);
  const head = Buffer.alloc(Math.ceil((2 * blocks) / 4) * 4);
  const parts = [head];
  for (let block = 0; block < blocks; block++) {
    const own = numbers.slice(64 * block, 64 * (block + 1));
    const zeros = zerosOf(own);
    const codes = own.map((x) => x >> BigInt(zeros)).map((x) => (x >= 0n ? 2n * x : -2n * x - 1n));
    const bits = Math.max(...codes.map((z) => (z === 0n ? 0 : z.toString(2).length)));
    head.set([bits, zeros], 2 * block);
    const all = codes.reduce((sum, z, i) => sum | (z << BigInt(bits * i)), 0n);
    const bytes = Math.ceil((bits * own.length) / 32) * 4;
    const hex = bytes === 0 ? '' : all.toString(16).padStart(2 * bytes, '0');
    parts.push(Buffer.from(hex, 'hex').reverse());
  }
  return Buffer.concat(parts);
}

interface Source {
  weights: string;
  blob: string;
}

/** Works as the page says; returns how many parts it computed. */
async function workAlone(name: string, desk: Desk, blobs: Map<string, Bytes>): Promise<number> {
  const trainer = create();
  const tensors = trainer.tensors().filter(isWeight);
  let parts = 0;
  for (;;) {
    const hello = { protocol: 2, kernels: RUN.kernels, holding: '' };
    const { end, task } = headOf(await desk.ask(name, message(hello)));
    if (end !== undefined) return parts;
    if (task === undefined) continue;
    const { run, step, first, count, weights, upload, full, changes } = task;
    let values = new Array<bigint>(trainer.parameters).fill(0n);
    for (const { weights: digest, blob } of [full, ...changes] as Source[]) {
      const coded = Buffer.from(blobs.get(blob) as Bytes);
      expect(sha256(coded)).toBe(blob);
      const change = uncode(coded, values.length, 4);
      values = values.map((value, i) => BigInt.asIntN(32, value + change[i]));
      expect(sha256(new Uint8Array(Int32Array.from(values.map(Number)).buffer))).toBe(digest);
    }
    let at = 0;
    for (const { data } of tensors) {
      data.set(values.slice(at, at + data.length).map(Number));
      at += data.length;
    }
    expect(await trainer.weightsSha256()).toBe(weights);
    const { gradients, sums } = gradientsOf(step, first, count, trainer);
    const coded = code([...gradients.values()].flat());
    const said = [step, first, count, sums.loss, sums.correct, sums.saturated, sums.checkedStates];
    const answer = sha256([...said, sha256(coded)].join(' '));
    const seal = sha256(`${answer} ${name}`);
    const id = sha256([run, step, first, count, weights, upload].join(' '));
    const about = { task: id, first, count, seal };
    const report = upload ? message({ ...about, step, ...sums }, coded) : message(about);
    expect(headOf(await desk.report(name, report))).toEqual({ accepted: true });
    parts++;
  }
}

/** What a worker in another language has its own kernels for. */
function gradientsOf(
  step: number,
  first: number,
  count: number,
  trainer: ReturnType<typeof create>,
) {
  const { gradients, ...rest } = computePart(trainer, batchOf(step), { step, first, count });
  const { loss, correct, saturated, checkedStates } = rest;
  const by = new Map<string, bigint[]>();
  let at = 0;
  for (const { name, data } of trainer.tensors().filter(isWeight)) {
    by.set(name, [...gradients.subarray(at, at + data.length)]);
    at += data.length;
  }
  return { gradients: by, sums: { loss, correct, saturated, checkedStates } };
}

test('a worker that was written after the page alone agrees with the coordinator', async () => {
  const blobs = new Map<string, Bytes>();
  const desks: Desk[] = [];
  const courier = {
    serve: async (desk: Desk) => {
      desks.push(desk);
    },
    put: async (sha: string, bytes: Bytes) => {
      blobs.set(sha, bytes);
    },
    drop: async (sha: string) => {
      blobs.delete(sha);
    },
  };
  const events: CoordinatorEvent[] = [];
  const onEvent = (event: CoordinatorEvent): number => events.push(event);
  const trainer = create();
  const options = { ...RUN, parts: 2, replicate: 2, spotChecks: 1, onEvent };
  const coordinator = new Coordinator(trainer, courier, options);
  await coordinator.open();
  const working = ['anna', 'bert'].map((name) => workAlone(name, desks[0], blobs));
  while (trainer.steps < STEPS) await coordinator.step(batchOf(trainer.steps));
  coordinator.close('done');
  expect(await Promise.all(working)).toEqual([2 * STEPS, 2 * STEPS]);
  expect(await trainer.weightsSha256()).toBe(await alone());
  expect(events.filter(({ kind }) => kind === 'wrong')).toEqual([]);
});
