// The parts of docs/examples/volunteer that need no browser: addresses, limits, and the hand on the
// courier.

import type { WorkerCourier } from 'retrograd/distributed';
import { describe, expect, test } from 'vitest';
import { fromHash, limitOf, problemOf, toHash } from '../../docs/examples/volunteer/address.ts';
import { Speed } from '../../docs/examples/volunteer/page/speed.ts';
import { type Hand, HeldCourier } from '../../docs/examples/volunteer/worker/courier.ts';

const PLACE = { server: 'wss://h:443', run: 'r1', name: 'anna', user: 'anna', password: 'a&b' };

describe('addresses', () => {
  test('come back from a link, without the password', () => {
    const hash = `#${new URLSearchParams({ ...PLACE })}`;
    expect(fromHash(hash)).toEqual(PLACE);
    expect(fromHash(`#${toHash(PLACE)}`)).toEqual({ ...PLACE, password: '' });
    expect(fromHash('')).toEqual({ server: '', run: '', name: '', user: '', password: '' });
  });

  test('without TLS are of this machine alone', () => {
    const right = ['wss://h', 'ws://127.0.0.1:8080', 'ws://localhost', 'ws://[::1]:80'];
    for (const server of right) expect(problemOf({ ...PLACE, server })).toBeUndefined();
    const wrong = ['', 'h:443', 'ws://h', 'nats://h', 'https://h', 'ws://127.0.0.1.example.org'];
    for (const server of wrong)
      expect(problemOf({ ...PLACE, server })).toMatch(/^the address of the server is/);
  });

  test('name runs and workers as subjects can', () => {
    expect(problemOf({ ...PLACE, run: '' })).toMatch(/^the name of the run is missing/);
    for (const name of ['a.b', '>', '*', 'a b', 'x'.repeat(65)])
      expect(problemOf({ ...PLACE, name })).toMatch(/^the name of the worker is ".*", expected 1/);
  });
});

test('a limit is bytes with or without a unit, or none', () => {
  expect(limitOf(' ')).toBeUndefined();
  const found = ['500', '500 B', '2kB', '1.5 MB', '2 GiB', '1 KiB', '0'].map(limitOf);
  expect(found).toEqual([500, 500, 2000, 1_500_000, 2 ** 31, 1024, 0]);
  for (const wrong of ['much', '-5', '1 XB', '1e6', 'MB'])
    expect(() => limitOf(wrong)).toThrow(/^the limit is ".*", expected bytes/);
});

test('speed is tokens by time, and a pause does not count', () => {
  const speed = new Speed();
  speed.restart(0);
  speed.take(100, 1000);
  expect(speed.rate).toBe(100);
  speed.restart(9000);
  speed.take(200, 10_000);
  expect(speed.rate).toBe(100);
});

const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
const nothing = bytes('');

/** A courier whose messages have ten bytes each way, and what its hand hears. */
function scene({ most, isThere = true }: { most?: number; isThere?: boolean } = {}) {
  const heard: string[] = [];
  let moved = 0;
  let fails = false;
  const courier: WorkerCourier = {
    async ask() {
      if (fails) throw new Error('nobody');
      moved += 20;
      return bytes('{"wait":true}\n');
    },
    async report() {
      heard.push('report begins');
      await new Promise((resolve) => setTimeout(resolve, 5));
      moved += 80;
      heard.push('report ends');
      return nothing;
    },
    fetch: async () => nothing,
  };
  const hand: Hand = {
    moved: () => moved,
    most,
    full: 'full',
    paused: () => heard.push('paused'),
    silent: (isSilent) => heard.push(isSilent ? 'silent' : 'heard again'),
    isThere: async () => isThere,
    gone: 'gone',
  };
  const held = new HeldCourier(courier, hand);
  const ask = async (): Promise<unknown> =>
    JSON.parse(new TextDecoder().decode(await held.ask(nothing)));
  const silence = (isSilent: boolean): void => {
    fails = isSilent;
  };
  return { held, heard, ask, silence, total: () => moved };
}

describe('the hand on a courier', () => {
  test('pauses when what is on its way has arrived, and goes on', async () => {
    const { held, heard, ask } = scene();
    const report = held.report(nothing);
    held.pause();
    const asked = ask();
    await report;
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(heard).toEqual(['report begins', 'report ends', 'paused']);
    held.resume();
    expect(await asked).toEqual({ wait: true });
  });

  test('ends by an answer of its own, in a pause too', async () => {
    const { held, ask } = scene();
    held.pause();
    const asked = ask();
    held.end('stopped here');
    expect(await asked).toEqual({ end: 'stopped here' });
    expect(await ask()).toEqual({ end: 'stopped here' });
  });

  test.each([100, 250, 1000, 12_345])('never passes a limit of %i bytes', async (most) => {
    const { held, ask, total } = scene({ most });
    for (let i = 0; i < 1000; i++) {
      const answer = (await ask()) as { end?: string };
      if (answer.end !== undefined) {
        expect(answer.end).toBe('full');
        expect(total()).toBeLessThanOrEqual(most);
        return;
      }
      await held.report(nothing);
    }
    throw new Error('the limit was not heard of');
  });

  test('tells of silence and of its end, and ends where the run is gone', async () => {
    const { heard, ask, silence } = scene();
    silence(true);
    for (let i = 0; i < 7; i++) await expect(ask()).rejects.toThrow('nobody');
    silence(false);
    expect(await ask()).toEqual({ wait: true });
    expect(heard).toEqual(['silent', 'heard again']);
    const without = scene({ isThere: false });
    without.silence(true);
    for (let i = 0; i < 5; i++) await expect(without.ask()).rejects.toThrow('nobody');
    expect(await without.ask()).toEqual({ end: 'gone' });
  });
});
