// Members of a team on one control block: who does which item, and whose failure is thrown.

import { describe, expect, test } from 'vitest';
import { controlBytes, MAX_LOCKS, Team, TeamFailure } from '../../src/threads/team.ts';

/** A team's members on one control block. */
function team(size: number, items: number): Team[] {
  const words = new Int32Array(new SharedArrayBuffer(controlBytes(items)));
  const members = Array.from({ length: size }, (_, rank) => new Team(words, rank, size));
  members[0].reset();
  return members;
}

describe('items of a team', () => {
  test(
    'a member does its own first, then those of others from the last; nothing is done twice; ' +
      'each stage is complete',
    () => {
      for (const [size, n] of [
        [2, 7],
        [3, 2],
        [5, 8],
        [2, 0],
      ] as const) {
        const members = team(size, n);
        const done: number[][] = [];
        for (const member of [...members, ...members]) {
          // all of a stage by who comes first; the second time round everybody is at stage 2
          const mine: number[] = [];
          done.push(mine);
          member.each(n, (i) => void mine.push(i));
        }
        const isOwn = (i: number): boolean => i % size === 0;
        const items = Array.from({ length: n }, (_, i) => i);
        const order = [...items.filter(isOwn), ...items.filter((i) => !isOwn(i)).reverse()];
        const nothing = Array.from({ length: size - 1 }, () => []);
        expect(done).toEqual([order, ...nothing, order, ...nothing]);
      }
    },
  );

  test('who comes while another one is at work takes the rest', () => {
    const [first, second] = team(2, 6);
    const mine: number[] = [];
    const others: number[] = [];
    first.each(6, (i) => {
      mine.push(i);
      if (i === 2) second.each(6, (j) => void others.push(j));
    });
    expect([mine, others]).toEqual([
      [0, 2],
      [1, 3, 5, 4],
    ]);
  });

  test(
    'who fails does what is left of the stage, throws the error of the first item and ends the ' +
      'job for all others in the next stage',
    () => {
      for (const size of [2, 3, 5]) {
        const [first, ...others] = team(size, 8);
        const tried: number[] = [];
        first.each(8, () => undefined); // stage 1
        expect(() =>
          first.each(8, (i) => {
            tried.push(i);
            if (i % 3 === 2) throw new Error(`item ${i}`); // 2, 5, 8
          }),
        ).toThrow('item 2');
        expect([...tried].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
        for (const other of others) {
          // there is nothing left to do
          for (let stage = 1; stage <= 2; stage++) other.each(8, () => expect.unreachable());
          expect(() => other.each(8, () => expect.unreachable())).toThrow(TeamFailure);
          expect(() => other.barrier()).toThrow(TeamFailure);
          expect(other.failedAt).toBeUndefined();
        }
      }
    },
  );

  test('a failure in an earlier stage comes before one in a later, whoever meets it first', () => {
    const [ahead, behind] = team(2, 2);
    ahead.each(2, () => undefined);
    expect(() =>
      ahead.each(2, () => {
        throw new Error('lost');
      }),
    ).toThrow('lost');
    behind.fail(); // has not begun
    expect(behind.failedAt).toBeLessThan(ahead.failedAt!);
    const [one, another] = team(2, 2);
    one.fail();
    expect(() => another.each(2, () => expect.unreachable())).toThrow(TeamFailure);
  });

  test('every lock has a word of its own; those beyond share one with another', () => {
    const [member] = team(2, 4);
    for (let lock = 0; lock < 2 * MAX_LOCKS; lock++)
      member.exclusive(lock, () => {
        const held = Array.from({ length: 2 * MAX_LOCKS }, (_, i) => i).filter((i) =>
          member.isHeld(i),
        );
        expect(held).toEqual([lock % MAX_LOCKS, (lock % MAX_LOCKS) + MAX_LOCKS]);
      });
  });
});
