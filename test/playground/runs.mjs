// Runs of the page: the same bits as Node's, paused, saved, loaded and handed to the command line.

import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cosine, fillBatch, gpt, readText, Trainer } from '../../dist/index.js';
import { demand, reach, same, steps, text, until } from './driver.mjs';

const ROOT = join(import.meta.dirname, '../..');
/** Of a digest, as it is reported. */
const SHORT = 16;
export const SMALL =
  '#train&text=stories&rule=bdia&layers=3&channels=32&heads=4&context=32&batch=4&steps=50' +
  '&learningRate=0.008&seed=5';

/** The run of SMALL by the library in Node. */
async function inNode(path) {
  const { vocabulary, train } = readText(readFileSync(path), { context: 32 });
  const shape = { layers: 3, channels: 32, heads: 4, context: 32 };
  const model = gpt({ vocabulary: vocabulary.size, ...shape });
  const options = { model, batch: 4, steps: 50, seed: 5 };
  const trainer = Trainer.create({ ...options, learningRate: cosine(0.008, { warmup: 5 }) });
  const inputs = new Int32Array(4 * 32);
  const targets = new Int32Array(4 * 32);
  while (trainer.steps < 50) {
    const place = { seed: 5, batch: 4, context: 32, step: trainer.steps };
    fillBatch(train, place, inputs, targets);
    trainer.step({ inputs, targets });
  }
  return trainer.weightsSha256();
}

/** Runs a command that the page shows, as it stands there, where its files are. */
function shell(command, files, folder) {
  const here = mkdtempSync(join(folder, 'shell-'));
  for (const [name, path] of Object.entries(files)) copyFileSync(path, join(here, name));
  const whole = command.replace('node dist/cli.js', `"${process.execPath}" "${ROOT}/dist/cli.js"`);
  const { status, stderr } = spawnSync('sh', ['-c', whole], { cwd: here, encoding: 'utf8' });
  demand(status === 0, `${command} exits with ${status}: ${stderr}`);
}

/** 50 steps from beginning to end. */
async function wholeRun({ open, download }, kind) {
  const page = await open(SMALL, { kind });
  await page.click('#start');
  await reach(page, 'ended');
  const [digest, threads] = [await text(page, 'digest'), await text(page, 'threads')];
  const published = 'The same weights, bit for bit: equal to the published digest.';
  same(await text(page, 'verdict'), published, 'the verdict');
  const file = await download(page, 'save-text', 'stories.txt');
  const command = await page.evaluate(() => document.querySelector('#command-whole').textContent);
  await page.finish();
  return { digest, threads, file, command };
}

export async function equalToNode(driver) {
  const plain = await wholeRun(driver, 'plain');
  const isolated = await wholeRun(driver, 'isolated');
  const expected = await inNode(plain.file);
  same(plain.digest, expected, 'the digest of the page without isolation');
  same(isolated.digest, expected, 'the digest of the page with isolation');
  same(plain.threads, '1', 'the number of threads without isolation');
  shell(plain.command, { 'stories.txt': plain.file }, driver.folder);
  const found = `${isolated.threads} threads when isolated`;
  return `${expected.slice(0, SHORT)} in Node, in a page (1 thread; ${found}) and by its command`;
}

/** Trains to about the middle, pauses, saves. */
async function firstHalf({ open, download }) {
  const page = await open(SMALL);
  await page.click('#start');
  await steps(page, 10);
  await page.click('#pause');
  await reach(page, 'paused');
  const step = Number(/\d+/.exec(await text(page, 'state'))[0]);
  demand(step >= 10 && step < 50, `paused after step ${step}, expected one from 10 to 49`);
  const file = await download(page, 'save');
  const words = await download(page, 'save-text', 'stories.txt');
  const command = await text(page, 'command-resume');
  await page.click('#resume');
  await reach(page, 'ended');
  const digest = await text(page, 'digest');
  await page.finish();
  return { step, file, words, command, digest };
}

export async function pausedSavedLoaded(driver) {
  const half = await firstHalf(driver);
  const page = await driver.open();
  await page.setInputFiles('#load', half.file);
  await reach(page, 'paused');
  same(await text(page, 'state'), `loaded after step ${half.step}`, 'the state');
  await page.click('#resume');
  await reach(page, 'ended');
  const digest = await text(page, 'digest');
  await page.finish();
  const expected = await inNode(half.words);
  same(half.digest, expected, 'the digest after a pause');
  same(digest, expected, 'the digest after loading');
  const files = { 'checkpoint.safetensors': half.file, 'stories.txt': half.words };
  shell(`${half.command} --expect ${expected}`, files, driver.folder);
  return `paused after step ${half.step}; resumed, loaded and by the command line the same bits`;
}

export async function linkReproduces({ open }) {
  const page = await open(SMALL.replace('seed=5', 'seed=7'));
  await page.click('#start');
  await reach(page, 'ended');
  const link = new URL(page.url()).hash;
  const digest = await text(page, 'digest');
  await page.finish();
  demand(link.includes(`digest=${digest}`), 'the address has not the digest of the run');
  const other = await open(`${link}&start=1`);
  await reach(other, 'ended');
  const verdict = await text(other, 'verdict');
  await other.finish();
  const expected = 'The same weights, bit for bit: equal to the digest of the link.';
  same(verdict, expected, 'the verdict');
  const wrong = await open(`${link.replace(digest, digest.replace(/./, '0'))}&seed=6&start=1`);
  await reach(wrong, 'ended');
  const found = await text(wrong, 'verdict');
  await wrong.finish();
  demand(found.startsWith('DIFFERENT from the digest of the link'), `the verdict is ${found}`);
  return `a link ends with ${digest.slice(0, SHORT)} again; another seed is told`;
}

/** A text of one's own: short ones are in the link, long ones are asked for by their SHA-256. */
export async function ownTextIsLinked({ open, folder }) {
  const short = 'she sells sea shells by the sea shore. '.repeat(20);
  const long = Array.from({ length: 9000 }, (_, i) => `${(i * i * 7919) % 10007} `).join('');
  for (const [kind, words] of [
    ['short', short],
    ['long', long],
  ]) {
    const path = join(folder, `${kind}.txt`);
    writeFileSync(path, words);
    const page = await open(SMALL);
    await page.check('input[value=own]');
    await page.setInputFiles('#own-file', path);
    await until(page, () => document.querySelector('#text-note').textContent.includes('different'));
    await page.click('#start');
    await reach(page, 'ended');
    const link = new URL(page.url()).hash;
    await page.finish();
    const other = await open(link);
    if (kind === 'long') {
      const asks = () => /asks for/.test(document.querySelector('#text-note').textContent);
      await until(other, asks);
      await other.setInputFiles('#own-file', path);
    }
    await until(other, () =>
      document.querySelector('#text-note').textContent.includes('different'),
    );
    await other.click('#start');
    await reach(other, 'ended');
    const verdict = await text(other, 'verdict');
    await other.finish();
    const expected = 'The same weights, bit for bit: equal to the digest of the link.';
    same(verdict, expected, `the verdict of a ${kind} text`);
  }
  return `${short.length} characters in the link, ${long.length} by their SHA-256: the same bits`;
}
