// train --shards --local-steps: one digest at once, resumed, extended or by workers; receipts and
// audits of it; and what it cannot be combined with. By workers: test/nats.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sealLine } from '../../src/receipt/format.ts';
import { readReceipt } from '../../src/receipt/index.ts';
import { ended, events, expectRefusal, retrograd, start, TRAIN, workspace } from './command.ts';

let cwd: string;
let remove: () => void;
const ROUNDS = ['--shards', '2', '--local-steps', '4'];
const RUN = [...TRAIN, ...ROUNDS, '--batch', '4', '--steps', '24', '--validate-every', '8'];
const AUDIT = ['audit', 'run.jsonl', '--text', 'text.txt'];
const read = (name: string): string => readFileSync(join(cwd, name), 'utf8');
const done = (words: readonly string[]) => events(words, { cwd }).at(-1)!;

beforeAll(() => {
  ({ path: cwd, remove } = workspace());
  const more = ['--save-every', '8', '--keep-states', '--receipt', 'run.jsonl'];
  events([...RUN, ...more, '--out', 'run'], { cwd });
});
afterAll(() => remove());

describe('rounds from the command line', () => {
  test('have an event and a line of the receipt for each round', () => {
    const all = events([...RUN, '--receipt', 'again.jsonl'], { cwd });
    const steps = all.filter(({ event }) => event === 'step').map(({ step }) => step);
    expect(steps).toEqual([4, 8, 12, 16, 20, 24]);
    expect(all.filter(({ event }) => event === 'validation').map(({ step }) => step)).toEqual([
      ...[8, 16, 24],
    ]);
    const { header, lines } = readReceipt(readFileSync(join(cwd, 'run.jsonl')));
    expect([header.round, header.every, lines.length]).toEqual([4, 8, 6]);
    expect(lines[5].weights).toBe(all.at(-1)!.weightsSha256);
    const { lines: same } = readReceipt(readFileSync(join(cwd, 'again.jsonl')));
    expect(same.map(({ weights }) => weights)).toEqual(lines.map(({ weights }) => weights));
  });

  test('stopped and resumed have the digest and the receipt of the run at once', () => {
    const { weightsSha256 } = done([...RUN, '--threads', '2', '--micro-batch', '2']);
    const stop = [
      '--stop-at',
      '12',
      '--out',
      'part',
      '--receipt',
      'part.jsonl',
      '--save-every',
      '8',
    ];
    done([...RUN, ...stop]);
    const on = [
      'train',
      'gpt',
      '--resume',
      'part',
      '--text',
      'text.txt',
      '--receipt',
      'part.jsonl',
    ];
    expect(done(on).weightsSha256).toBe(weightsSha256);
    expect(read('part.jsonl')).toBe(read('run.jsonl'));
  });

  test('go on from the last whole round when they are interrupted within one', async () => {
    const long = [
      ...TRAIN,
      '--shards',
      '4',
      '--local-steps',
      '500',
      '--batch',
      '4',
      '--steps',
      '1000',
    ];
    const child = start([...long, '--out', 'cut', '--json'], cwd);
    let out = '';
    let isStopped = false;
    child.stdout?.on('data', (text) => {
      out += text;
      if (isStopped || !out.includes('"event":"step"')) return;
      isStopped = true; // a second signal would end it at once
      child.kill('SIGINT');
    });
    expect((await ended(child)).code).toBe(130);
    const { step, options } = events(['inspect', 'cut'], { cwd })[0];
    expect([step, options.shards, options.localSteps]).toEqual([500, 4, 500]);
  });

  test('can be extended by whole rounds', () => {
    done([...RUN, '--out', 'more']);
    const on = ['train', 'gpt', '--resume', 'more', '--text', 'text.txt', '--steps'];
    expectRefusal([...on, '30'], cwd, /--steps is 30, expected a multiple of the 4.*instance 32/);
    expect(done([...on, '32'])).toMatchObject({ steps: 32 });
  });

  test('are other bits than steps', () => {
    const plain = [...TRAIN, '--batch', '4', '--steps', '24'];
    expect(done(plain).weightsSha256).not.toBe(done([...plain, ...ROUNDS]).weightsSha256);
  });

  test.each([
    [['--shards', '2'], /--shards is 2, but there are no --local-steps, expected both or none/],
    [['--local-steps', '4'], /--local-steps is 4, but there are no --shards, expected both/],
    [['--shards', '0', '--local-steps', '4'], /--shards is '0', expected a whole number from 1/],
    [['--shards', '2', '--local-steps', '4097'], /'4097', expected a whole number from 1 to 4096/],
    [['--shards', '3', '--local-steps', '4'], /--batch is 4, expected a multiple of the 3 shards/],
    [['--shards', '2', '--local-steps', '5'], /--steps is 24, expected a multiple of the 5 local/],
    [
      [...ROUNDS, '--stop-at', '6'],
      /--stop-at is 6, expected a multiple of the 4 steps of a round/,
    ],
    [[...ROUNDS, '--out', 'x', '--save-every', '6'], /--save-every is 6, expected a multiple of/],
    [[...ROUNDS, '--validate-every', '7'], /--validate-every is 7, expected a multiple of the 4/],
    [[...ROUNDS, '--out', 'x', '--workers', '1', '--parts', '2'], /--parts is 2, expected none/],
  ])('are refused with %j', (words, message) => {
    expectRefusal([...TRAIN, '--batch', '4', '--steps', '24', ...words], cwd, message);
  });

  test('are refused where a run goes on with other ones', () => {
    events([...RUN, '--out', 'half', '--stop-at', '8'], { cwd });
    const words = ['train', 'gpt', '--resume', 'half', '--text', 'text.txt', '--shards', '4'];
    expectRefusal(words, cwd, /--shards is 4 \(checkpoint: 2\), expected the checkpoint's/);
  });
});

describe('an audit of rounds', () => {
  test('finds an honest run equal: at once, in parts, in one round', () => {
    expect(events(AUDIT, { cwd })[0]).toMatchObject({ equal: true, steps: 24 });
    const parts = [...AUDIT, '--run', 'run', '--jobs', '2'];
    expect(events(parts, { cwd })[0]).toMatchObject({ equal: true, steps: 24 });
    const one = [...AUDIT, '--run', 'run', '--only', '9-12'];
    expect(events(one, { cwd })[0]).toMatchObject({ equal: true, steps: 4 });
    const { stderr } = retrograd([...AUDIT, '--only', '5'], { cwd });
    expect(stderr).toMatch(/steps 1 to 5 .* give whole rounds of 4 steps/);
  });

  test('names the round that is wrong, and judges no kernel', () => {
    let chain = '';
    const lines = read('run.jsonl').trimEnd().split('\n');
    const changed = lines.map((line) => {
      const { chain: _, ...value } = JSON.parse(line);
      const { text, seal } = sealLine(chain, value.step === 8 ? { ...value, loss: 1 } : value);
      chain = seal;
      return `${text}\n`;
    });
    writeFileSync(join(cwd, 'lie.jsonl'), changed.join(''));
    const { code, stdout } = retrograd(['audit', 'lie.jsonl', '--text', 'text.txt'], { cwd });
    expect(code).toBe(1);
    expect(stdout).toContain('step 8 differs: loss\nkernels are not judged where a line is of');
  });
});
