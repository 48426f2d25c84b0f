// Messages and tasks come back as they were, and nothing that a stranger sends is taken for one.

import { describe, expect, test } from 'vitest';
import { DistributedError } from '../../src/distributed/index.ts';
import { MAX_HEAD_BYTES, packMessage, unpackMessage } from '../../src/distributed/message.ts';
import { MAX_CHANGES, readTask, sealOf, taskId } from '../../src/distributed/task.ts';
import { randomOf } from './network.ts';

const text = (line: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(line);
const digest = 'a1'.repeat(32);
const source = { weights: digest, blob: 'b2'.repeat(32) };
const TASK = {
  ...{ run: 'r', step: 3, first: 1, count: 2, weights: digest, upload: true },
  ...{ full: source, changes: [source] },
};

describe('a message', () => {
  test('comes back with what is behind its line, line feeds too', () => {
    const body = Uint8Array.of(10, 0, 255, 10);
    const { head, body: found } = unpackMessage(packMessage({ a: [1, 'b\n'] }, body));
    expect([head, [...found]]).toEqual([{ a: [1, 'b\n'] }, [10, 0, 255, 10]]);
    expect(unpackMessage(packMessage({})).body.length).toBe(0);
  });

  test('has its body at a multiple of 8 bytes, however long its line', () => {
    for (let length = 0; length < 20; length++) {
      const { head, body } = unpackMessage(packMessage({ a: 'x'.repeat(length) }, text('body')));
      expect([head.a, body.byteOffset % 8, new TextDecoder().decode(body)]).toEqual([
        'x'.repeat(length),
        0,
        'body',
      ]);
    }
  });

  test.each([
    ['nothing', ''],
    ['no line feed', '{"a":1}'],
    ['no object', '[1]\n'],
    ['null', 'null\n'],
    ['a number', '1\n'],
    ['half an object', '{"a":\n'],
    ['a key given twice', '{"a":1,"a":2}\n'],
    ['10,000 levels', `${'['.repeat(10_000)}\n`],
    ['a line of 64 KiB and one', `{"a":"${'x'.repeat(MAX_HEAD_BYTES)}"}\n`],
  ])('of %s is refused', (_, line) => {
    expect(() => unpackMessage(text(line))).toThrow(DistributedError);
  });

  test('of bytes that are no UTF-8 is refused', () => {
    expect(() => unpackMessage(Uint8Array.of(0xff, 10))).toThrow(DistributedError);
  });

  test('of 10,000 damaged ones is read or refused by a DistributedError', () => {
    const seed = Number(process.env.TEST_SEED ?? Date.now() % 2 ** 31);
    const random = randomOf(seed);
    const good = packMessage({ task: TASK, seal: digest }, new Uint8Array(40));
    let refused = 0;
    for (let i = 0; i < 10_000; i++) {
      const spoilt = good.slice(0, random() < 0.2 ? random() * good.length : good.length);
      for (let n = 0; n < 3; n++) spoilt[Math.floor(random() * good.length)] = random() * 256;
      try {
        readTask(unpackMessage(spoilt).head.task);
      } catch (error) {
        refused++;
        expect(error, `seed ${seed}, case ${i}`).toBeInstanceOf(DistributedError);
      }
    }
    expect(refused).toBeGreaterThan(5000);
  });
});

describe('a task', () => {
  test('is read as it was written, and nothing else of it', () => {
    const again = JSON.parse(JSON.stringify({ ...TASK, more: 1 }));
    expect(readTask(again)).toEqual(TASK);
  });

  test.each<[string, object]>([
    ['no run', { run: 1 }],
    ['a step of -1', { step: -1 }],
    ['a step and a half', { step: 1.5 }],
    ['a step of 2^31', { step: 2 ** 31 }],
    ['no count', { count: undefined }],
    ['a first of text', { first: '1' }],
    ['a digest of 63 digits', { weights: digest.slice(1) }],
    ['a digest of capitals', { weights: digest.toUpperCase() }],
    ['an upload of 1', { upload: 1 }],
    ['no whole weights', { full: undefined }],
    ['whole weights without bytes', { full: { weights: digest } }],
    ['changes that are no list', { changes: { length: 1 } }],
    ['a change that is null', { changes: [null] }],
    ['65 changes', { changes: new Array(MAX_CHANGES + 1).fill(source) }],
  ])('with %s is refused', (_, wrong) => {
    expect(() => readTask({ ...TASK, ...wrong })).toThrow(DistributedError);
  });

  test.each([[undefined], [null], [7], ['task'], [[]]])('that is %s is refused', (value) => {
    expect(() => readTask(value)).toThrow(DistributedError);
  });

  test('may have 64 changes', () => {
    const changes = new Array(MAX_CHANGES).fill(source);
    expect(readTask({ ...TASK, changes }).changes).toEqual(changes);
  });

  test('has another name for each thing that it asks for', () => {
    const others = [{ run: 'q' }, { step: 4 }, { first: 0 }, { count: 1 }, { upload: false }];
    const names = [{}, ...others, { weights: source.blob }].map((more) =>
      taskId({ ...TASK, ...more }),
    );
    expect(new Set(names).size).toBe(7);
    expect(taskId({ ...TASK, ...{ full: undefined, changes: [] } })).toBe(names[0]);
  });

  test('has another seal for each worker and each result', () => {
    const seals = [sealOf(digest, 'a'), sealOf(digest, 'b'), sealOf(source.blob, 'a')];
    expect(new Set(seals).size).toBe(3);
  });
});
