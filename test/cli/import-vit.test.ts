// retrograd import: a vision transformer of another program becomes a run, which classifies, is
// judged, learns on and leaves.

import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encode } from 'fast-png';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runsAll } from '../helpers/all.ts';
import { PLANTED } from '../helpers/synthetic-gpt2.ts';
import { syntheticImages, syntheticVit, writeVit } from '../helpers/synthetic-vit.ts';
import { Vit } from '../helpers/vit-float64.ts';
import { events, retrograd, workspace } from './command.ts';
import { idxFiles, makeFolder } from './image-files.ts';

let cwd: string;
let remove: () => void;
const IMAGE = { height: 8, width: 8, patch: 4, colours: 1, classes: 4 };
const SIZE = { ...IMAGE, channels: 128, layers: 2, heads: 4 };
const FOREIGN = syntheticVit(SIZE, { ...PLANTED, writes: [0, 0] });

beforeAll(() => {
  ({ path: cwd, remove } = workspace());
  writeVit(join(cwd, 'foreign'), FOREIGN);
  const { config } = FOREIGN;
  const tensors = FOREIGN.tensors.filter(({ name }) => !name.startsWith('classifier'));
  writeVit(join(cwd, 'headless'), { ...FOREIGN, tensors });
  writeVit(join(cwd, 'deit'), { ...FOREIGN, config: { ...config, model_type: 'deit' } });
  writeVit(join(cwd, 'large'), { ...FOREIGN, config: { ...config, image_size: 16 } });
  makeFolder(join(cwd, 'set'), idxFiles());
});
afterAll(() => remove());

describe('retrograd import of a vision transformer', () => {
  test('0 saturated; inspect, classify, eval, train --init, export, and import again', () => {
    const words = ['import', 'foreign', '--data', 'set', '--out', 'base'];
    const [report] = events(words, { cwd });
    expect(report).toMatchObject({ event: 'imported', out: 'base', saturated: 0, outliers: 1 });
    const [before] = events(['inspect', 'base'], { cwd });
    expect(before).toMatchObject({ step: 0, weightsSha256: report.weightsSha256 });
    expect(before.formats).toEqual(report.formats);
    expect(before.options).toMatchObject({ reversible: 'checkpointing', fractionBits: 14 });
    const page = retrograd(['inspect', 'base'], { cwd }).stdout;
    expect(page).toContain('class 0, class 1, class 2, class 3');
    expect(page).toContain('formats of imported weights:');

    const float64 = Vit.load(join(cwd, 'foreign'));
    const [image] = syntheticImages(SIZE, 1);
    writeFileSync(join(cwd, 'a.png'), encode({ width: 8, height: 8, channels: 1, data: image }));
    const [seen] = events(['classify', 'base', 'a.png'], { cwd });
    const logits = float64.logits(image);
    const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
    logits.forEach((logit, i) => {
      expect(Math.abs(seen.probabilities[i] - Math.exp(logit) / total)).toBeLessThan(0.01);
    });
    expect(seen.name).toBe(`class ${logits.indexOf(Math.max(...logits))}`);
    const [judged] = events(['eval', 'base', '--data', 'set'], { cwd });
    expect(judged.images).toBe(12);

    const train = ['train', 'vit', '--init', 'base', '--data', 'set', '--steps', '2'];
    const more = ['--batch', '2', '--learning-rate', '0.00001', '--out', 'fine'];
    expect(events([...train, ...more], { cwd }).at(-1)).toMatchObject({ event: 'done' });
    expect(events(['inspect', 'fine'], { cwd })[0].formats).toEqual(report.formats);
    expect(retrograd(['export', 'fine', '--to', 'hf', '--out', 'left'], { cwd }).code).toBe(0);
    const [again] = events(['import', 'left', '--data', 'set', '--out', 'again'], { cwd });
    expect(again.saturated).toBe(0);
    const [second] = events(['classify', 'again', 'a.png'], { cwd });
    expect(second.label).toBe(seen.label);
  });

  test('what train wrote and export left comes back with the same digest and names', () => {
    const train = [
      'train',
      'vit',
      '--data',
      'set',
      '--classes',
      '4',
      '--steps',
      '2',
      '--batch',
      '2',
    ];
    const small = ['--layers', '1', '--channels', '8', '--heads', '2', '--out', 'own'];
    events([...train, ...small], { cwd });
    const [{ weightsSha256, vocabulary }] = events(['inspect', 'own'], { cwd });
    expect(retrograd(['export', 'own', '--to', 'hf', '--out', 'own-hf'], { cwd }).code).toBe(0);
    expect(events(['import', 'own-hf', '--out', 'back'], { cwd })[0]).toMatchObject({
      weightsSha256,
      formats: null,
    });
    expect(events(['inspect', 'back'], { cwd })[0].vocabulary.names).toEqual(vocabulary.names);
  });

  test.runIf(runsAll)('says in words what it found and how to go on', () => {
    const { code, stdout } = retrograd(['import', 'foreign', '--out', 'words'], { cwd });
    expect(code).toBe(0);
    expect(stdout).toMatch(/calibrated on +made-up images; better with --data\n/);
    expect(stdout).toMatch(/to learn on: .*train vit --init words --data DIR/);
  });

  const refused: [string, string[], number, RegExp][] = [
    ['text', ['foreign', '--text', 'a.txt'], 2, /--text is of GPTs, expected --data/],
    ['no classes', ['headless'], 1, /headless.*"classifier.weight" is missing.*\n?.*no classes/],
    ['another kind', ['deit'], 2, /is "deit", expected vit/],
    ['other positions', ['large'], 2, /positions for 4 patches, images of 16 x 16 have 16/],
    ['no such data', ['foreign', '--data', 'nothing'], 2, /nothing.*does not exist/],
  ];
  // the others are importVit's own, which test/import/vit.test.ts has
  const cases = runsAll ? refused : refused.slice(0, 2);
  test.each(cases)('refuses %s and writes nothing', (_, words, code, message) => {
    const outcome = retrograd(['import', ...words, '--out', 'x'], { cwd });
    expect(outcome.stderr).toMatch(message);
    expect(outcome.code).toBe(code);
    expect(existsSync(join(cwd, 'x'))).toBe(false);
  });
});
