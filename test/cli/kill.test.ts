// A process killed while it saves leaves the old or the new checkpoint, whole, and its run goes on
// bit for bit.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { decodeCheckpoint } from '../../src/checkpoint/checkpoint.ts';
import { runsAll } from '../helpers/all.ts';
import { ended, events, retrograd, start, workspace } from './command.ts';

let cwd: string;
let remove: () => void;
beforeAll(() => {
  ({ path: cwd, remove } = workspace());
});
afterAll(() => remove());

/** Small steps and a checkpoint of 11 MB: nearly all the time goes into saving. */
const RUN = [
  'train',
  'gpt',
  '--text',
  'text.txt',
  '--layers',
  '2',
  '--channels',
  '192',
  '--heads',
  '2',
  '--context',
  '8',
  '--batch',
  '1',
  '--steps',
  '150',
  '--save-every',
  '1',
];
const KILLS = runsAll ? 12 : 4;

test(
  `after ${KILLS} kills, half of them in the middle of a save, the checkpoint was whole each ` +
    'time and the run ends with the same weights',
  async () => {
    const whole = events(RUN.slice(0, -2), { cwd }).at(-1)!.weightsSha256;
    const path = join(cwd, 'run/checkpoint.safetensors');
    /** Files that a save has begun and not renamed. The empty probe at the start of a run is none.
     */
    const temporaryFiles = (): string[] =>
      readdirSync(join(cwd, 'run')).filter((name) => {
        const stat = statSync(join(cwd, 'run', name), { throwIfNoEntry: false });
        return name.endsWith('.tmp') && stat !== undefined && stat.size > 0;
      });
    let step = 0;
    let leftovers = 0;
    let random = 1;
    for (let kill = 0; kill < KILLS; kill++) {
      const goOn = existsSync(path)
        ? ['train', 'gpt', '--text', 'text.txt', '--resume', 'run', '--save-every', '1', '--json']
        : [...RUN, '--out', 'run', '--json'];
      const child = start(goOn, cwd);
      const end = ended(child);
      let output = '';
      await new Promise<void>((resolve) =>
        child.stdout!.on('data', (chunk: Buffer) => {
          output += chunk.toString();
          if (output.split('"event":"step"').length > 2) resolve(); // the first step is saved
        }),
      );
      random = (random * 48271) % 2147483647;
      if (kill % 2 === 0) await new Promise((resolve) => setTimeout(resolve, random % 200));
      else
        while (temporaryFiles().length === 0) await new Promise((resolve) => setImmediate(resolve));
      child.kill('SIGKILL');
      expect((await end).signal).toBe('SIGKILL');
      if (temporaryFiles().length > 0) leftovers++;
      if (!existsSync(path)) continue;
      const checkpoint = await decodeCheckpoint(readFileSync(path));
      expect(checkpoint.step).toBeGreaterThanOrEqual(step);
      step = checkpoint.step;
    }
    expect(leftovers, 'kills that left a temporary file').toBeGreaterThan(0);
    expect(step).toBeGreaterThan(0);
    expect(step).toBeLessThan(150);
    expect(
      events(['train', 'gpt', '--text', 'text.txt', '--resume', 'run'], { cwd }).at(-1)!
        .weightsSha256,
    ).toBe(whole);
    expect(readdirSync(join(cwd, 'run')).sort()).toEqual(['checkpoint.safetensors', 'log.jsonl']);
  },
);

test(
  'a half-written temporary file of a killed run is ignored by readers and removed by the next ' +
    'save; other files stay',
  () => {
    mkdirSync(join(cwd, 'left'));
    writeFileSync(join(cwd, 'left/.checkpoint.safetensors.4242.tmp'), 'half');
    writeFileSync(join(cwd, 'left/.weights.f32.safetensors.4242.tmp'), 'half');
    writeFileSync(join(cwd, 'left/notes.tmp'), 'mine');
    expect(retrograd(['inspect', 'left'], { cwd }).code).toBe(2);
    expect(retrograd([...RUN.slice(0, -4), '--steps', '1', '--out', 'left'], { cwd }).code).toBe(0);
    expect(readdirSync(join(cwd, 'left')).sort()).toEqual([
      'checkpoint.safetensors',
      'log.jsonl',
      'notes.tmp',
    ]);
  },
);

test('kills and signals at random over every kind of run: npm run fuzz:kills, but short', () => {
  const seed = Date.now() % 2 ** 31;
  const script = join(import.meta.dirname, '../fuzz/kills.mjs');
  const words = [script, '--rounds', runsAll ? '16' : '4', '--lanes', '2', '--seed', String(seed)];
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' });
  expect([status, stderr], `seed ${seed}\n${stdout}`).toEqual([0, '']);
}, 600_000);
