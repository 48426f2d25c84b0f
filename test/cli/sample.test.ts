// A text is written while it comes, and is the text of all tokens at once, whatever the bytes.

import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { printable } from '../../src/cli/printable.ts';
import { CLI, events, retrograd, TINY, TRAIN, workspace } from './command.ts';

let cwd: string;
let remove: () => void;
beforeAll(() => {
  ({ path: cwd, remove } = workspace());
  writeFileSync(
    join(cwd, 'bytes.txt'),
    Buffer.concat([
      Buffer.from('ä€🙂\r\n\r\u001b[1m'.repeat(60)),
      Buffer.from([0xff, 0xe2, 0x82, 0xef, 0xbb, 0xbf]),
    ]),
  );
  events([...TRAIN, '--steps', '3', '--out', 'characters'], { cwd });
  events(
    [
      'train',
      'gpt',
      '--text',
      'bytes.txt',
      '--vocabulary',
      'bytes',
      ...TINY,
      '--steps',
      '30',
      '--lr',
      '0.01',
      '--out',
      'bytes',
    ],
    { cwd },
  );
});
afterAll(() => remove());

test.each(['characters', 'bytes'])('of a model of %s', (run) => {
  for (const seed of ['1', '2', '3']) {
    const words = ['sample', run, '--length', '200', '--seed', seed, '--temperature', '1.5'];
    const [{ text }] = events(words, { cwd });
    expect(retrograd(words, { cwd }).stdout).toBe(`${printable(text)}\n`);
  }
});

const text = (...words: string[]): string =>
  events(['sample', 'characters', '--length', '60', ...words], { cwd })[0].text;

test('the event has the options that were used', () => {
  const of = (...words: string[]) => {
    const [{ event: _, text: __, ...used }] = events(['sample', 'characters', ...words], { cwd });
    return used;
  };
  const defaults = { topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, stop: [], slide: 1 };
  const common = { prompt: '', temperature: 0.8, seed: 1, step: 3 };
  expect(of('--length', '5')).toEqual({ ...common, ...defaults, length: 5 });
  const words =
    '--length 4 --temperature 0.5 --top-k 9 --top-p 0.9 --min-p 0.01 --repetition-penalty 1.5 ' +
    '--stop qz --slide 2 --seed 8 --prompt the';
  expect(of(...words.split(' '))).toEqual({
    ...{ length: 4, temperature: 0.5, topK: 9, topP: 0.9, minP: 0.01, repetitionPenalty: 1.5 },
    ...{ stop: ['qz'], slide: 2, seed: 8, prompt: 'the', step: 3 },
  });
});

test('the most likely token alone, by whichever option', () => {
  const greedy = text('--temperature', '0');
  expect(text('--top-k', '1')).toBe(greedy);
  expect(text('--top-p', '0')).toBe(greedy);
  expect(text('--top-k', '1', '--repetition-penalty', '16')).not.toBe(greedy);
  expect(text('--min-p', '0.9', '--seed', '5')).toBe(text('--seed', '5', '--min-p', '0.9'));
});

test('a stop string ends the text and is not part of it', () => {
  const whole = text('--seed', '4');
  const stop = whole.slice(20, 23);
  const expected = whole.slice(0, whole.indexOf(stop));
  expect(text('--seed', '4', '--stop', stop)).toBe(expected);
  expect(text('--seed', '4', '--stop', 'never there', '--stop', stop)).toBe(expected);
});

test('the window can slide by more: as long a text, the same until the context is full', () => {
  const [slow, fast] = [text('--slide', '1'), text('--slide', '4')];
  expect(slow).toBe(text());
  expect(fast).toHaveLength(slow.length);
  expect(fast.slice(0, 5)).toBe(slow.slice(0, 5));
});

test.each([
  [['--top-k', '0'], /--top-k/],
  [['--top-p', '2'], /--top-p is 2/],
  [['--min-p', '-1'], /--min-p is -1/],
  [['--repetition-penalty', '0'], /--repetition-penalty is 0/],
  [['--stop', ''], /--stop/],
  [['--slide', '1000'], /--slide is 1000/],
])('%j is refused', (words, message) => {
  const { code, stderr } = retrograd(['sample', 'characters', ...words], { cwd });
  expect(code).toBe(2);
  expect(stderr).toMatch(message);
});

test('Ctrl-C keeps what is there', async () => {
  const words = ['sample', 'bytes', '--length', '1000000'];
  const child = spawn(process.execPath, [CLI, ...words], { cwd });
  let written = '';
  let isAsked = false;
  child.stdout.on('data', (data) => {
    written += data;
    if (written.length > 50 && !isAsked) isAsked = child.kill('SIGINT');
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  expect(code).toBe(130);
  expect(written.endsWith('\n')).toBe(true);
});
