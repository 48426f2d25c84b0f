// Who is given which part, and when it is given to another worker too.

import { describe, expect, test } from 'vitest';
import { Board, split } from '../../src/distributed/board.ts';

const board = (parts: number, copies = 1, patience = 1000, times?: number[]): Board =>
  new Board(split(12, parts), copies, patience, times);
const first = (found: { first: number } | undefined): number | undefined => found?.first;
const place = (of: Board, at: number, count: number) => {
  const found = of.find({ first: at, count });
  if (found === undefined) throw new Error(`no part at ${at}`);
  return found;
};

describe('a batch', () => {
  test('of 1 to 40 samples falls into 1 to so many parts, of sizes that differ by 1', () => {
    for (let batch = 1; batch <= 40; batch++)
      for (let parts = 1; parts <= batch; parts++) {
        const found = split(batch, parts);
        const sizes = found.map(({ count }) => count);
        expect(found.length).toBe(parts);
        let next = 0;
        for (const { first: at, count } of found) {
          expect(at).toBe(next);
          next += count;
        }
        expect(next).toBe(batch);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        expect(Math.min(...sizes)).toBeGreaterThan(0);
      }
  });
});

describe('a board', () => {
  test('gives each part to one worker, and nothing when there is no other', () => {
    const one = board(3);
    const given = ['a', 'b', 'c', 'd', 'a'].map((worker) => one.take(worker, 0));
    expect(given.map(first)).toEqual([0, 4, 8, undefined, undefined]);
    expect(given[0]).toEqual({ first: 0, count: 4, upload: true });
    expect(one.find({ first: 0, count: 5 })).toBeUndefined();
  });

  test('gives a part to as many as have to agree, one of whom hands in gradients', () => {
    const one = board(1, 3);
    const given = ['a', 'b', 'a', 'c', 'd'].map((worker) => one.take(worker, 0)?.upload);
    expect(given).toEqual([true, false, undefined, false, undefined]);
  });

  test('gives a part again once its worker is taken for lost, and asks for gradients', () => {
    const one = board(1, 2);
    one.take('a', 0);
    one.take('b', 500);
    expect(one.take('c', 999)).toBeUndefined();
    expect(one.take('c', 1000)).toEqual({ first: 0, count: 12, upload: true });
    expect(one.take('a', 1400)).toBeUndefined(); // b and c are at it
    expect(one.take('a', 1500)?.upload).toBe(false); // b is lost too
  });

  test('has a worker until it answers, is taken for lost, or leaves', () => {
    const one = board(2);
    expect(one.has('a', 0)).toBe(false);
    one.take('a', 0);
    one.take('b', 0);
    expect([one.has('a', 999), one.has('a', 1000), one.has('b', 999)]).toEqual([true, false, true]);
    one.mark(place(one, 0, 6), 'a', { seal: 's', upload: true }, 10);
    one.release('b', () => false);
    expect([one.has('a', 20), one.has('b', 20)]).toEqual([false, false]);
  });

  test('does not give a part to a worker that has answered', () => {
    const one = board(1, 2);
    one.take('a', 0);
    one.mark(place(one, 0, 12), 'a', { seal: 'seal', upload: true }, 10);
    expect(one.take('a', 99_999)).toBeUndefined();
    expect(one.take('b', 99_999)?.upload).toBe(false);
  });

  test('gives a part that takes twice the median to one other worker', () => {
    const one = board(3, 1, 1e6);
    for (const worker of ['a', 'b', 'c']) one.take(worker, 0);
    one.mark(place(one, 0, 4), 'a', { seal: 'seal', upload: true }, 400);
    place(one, 0, 4).isDone = true;
    expect(one.take('a', 800)).toBeUndefined();
    expect(one.take('a', 801)).toEqual({ first: 4, count: 4, upload: true });
    expect(first(one.take('d', 802))).toBe(8);
    expect(one.take('e', 9000)).toBeUndefined(); // each has two
  });

  test('calls nobody slow before 250 ms, and knows the times of steps before', () => {
    const times: number[] = [];
    const one = board(1, 1, 1e6, times);
    one.take('a', 0);
    one.mark(place(one, 0, 12), 'a', { seal: 'seal', upload: true }, 10);
    expect(times).toEqual([10]);
    const next = board(1, 1, 1e6, times);
    next.take('a', 1000);
    expect(next.take('b', 1250)).toBeUndefined();
    expect(first(next.take('b', 1251))).toBe(0);
  });

  test('keeps the times of 64 parts', () => {
    const times: number[] = [];
    for (let i = 0; i < 100; i++) {
      const one = board(1, 1, 1e6, times);
      one.take('a', 0);
      one.mark(place(one, 0, 12), 'a', { seal: 'seal', upload: true }, i);
    }
    expect([times.length, times[0]]).toEqual([64, 36]);
  });

  test('takes back what did not reach a worker, but for what it holds and has answered', () => {
    const one = board(3);
    for (let i = 0; i < 3; i++) one.take('a', 0);
    one.mark(place(one, 8, 4), 'a', { seal: 'seal', upload: true }, 1);
    one.release('a', ({ first: at }) => at === 4);
    expect(first(one.take('b', 2))).toBe(0);
    expect(one.take('c', 2)).toBeUndefined();
  });

  test('is not held up by a worker that asks again and again', () => {
    const one = board(1, 2);
    one.take('a', 0);
    for (let now = 0; now < 1000; now += 100) {
      one.take('liar', now);
      one.release('liar', () => false);
    }
    one.take('liar', 1000);
    one.mark(place(one, 0, 12), 'a', { seal: 'seal', upload: true }, 1000);
    expect(one.take('b', 1000)?.upload).toBe(false);
    const other = board(1, 2);
    other.take('liar', 0);
    other.release('liar', () => false);
    other.take('liar', 1000);
    expect(other.take('a', 1000)?.upload).toBe(true);
  });

  test('asks who has handed in a seal alone for gradients, if nobody else has them', () => {
    const one = board(1, 2);
    const upload = one.take('a', 0)?.upload;
    expect([upload, one.take('b', 300)?.upload]).toEqual([true, false]);
    expect(one.take('c', 1000)?.upload).toBe(true); // a is lost, but comes back
    for (const worker of ['a', 'b'])
      one.mark(place(one, 0, 12), worker, { seal: 'seal', upload: false }, 1000);
    expect(one.take('b', 1100)).toBeUndefined(); // c has them
    one.remove('c');
    expect(one.take('b', 1100)).toEqual({ first: 0, count: 12, upload: true });
    expect(one.take('a', 1100)).toBeUndefined();
  });

  test('has a part computed anew', () => {
    const one = board(1);
    one.take('a', 0);
    one.clear(place(one, 0, 12));
    expect(one.take('a', 2000)?.upload).toBe(true);
    expect(one.take('b', 2500)).toBeUndefined();
  });

  test('forgets a worker but for parts that are agreed upon', () => {
    const one = board(2, 2);
    for (let i = 0; i < 2; i++) one.take('a', 0);
    one.mark(place(one, 0, 6), 'a', { seal: 'seal', upload: true }, 1);
    one.mark(place(one, 6, 6), 'a', { seal: 'seal', upload: true }, 1);
    place(one, 6, 6).isDone = true;
    one.remove('a');
    expect([...place(one, 0, 6).copies.keys()]).toEqual([]);
    expect([...place(one, 6, 6).copies.keys()]).toEqual(['a']);
  });

  test('hears nothing of a part from who was not given it', () => {
    const one = board(1);
    one.mark(place(one, 0, 12), 'stranger', { seal: 'seal', upload: true }, 1);
    expect(place(one, 0, 12).copies.size).toBe(0);
  });
});
