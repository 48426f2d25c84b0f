// What every browser has to do: train, pause, save, load, go on, turn a bit over, compare, follow a
// link that another browser made, learn digits and say which one is drawn. Digests are Node's.

import { pageParts, trained } from '../../docs/examples/digits/publish.mjs';
import { digestOf, pageParts as playParts } from '../../docs/playground/publish.mjs';
import { drawings } from '../digits/drawings.mjs';
import { demand, same } from '../playground/driver.mjs';
import { SMALL } from '../playground/runs.mjs';

/** Of a digest, as it is reported. */
const SHORT = 16;
const PUBLISHED = 'The same weights, bit for bit: equal to the published digest.';
const LINKED = 'The same weights, bit for bit: equal to the digest of the link.';
const DIGITS = { steps: 500, seed: 1 };
const PAD = 1000;

/** Digests as Node computes them with the package alone. */
export async function digestsOfNode() {
  const parts = await playParts();
  const shape = { layers: 3, channels: 32, context: 32, batch: 4 };
  const small = { ...parts.DEFAULTS, ...shape, steps: 50, seed: 5 };
  const digits = trained(await pageParts(), DIGITS);
  return { small: await digestOf(parts, small), digits: await digits.weightsSha256() };
}

/** 50 steps from beginning to end. */
async function trains(tab, { play, expected }) {
  await tab.goto(`${play}/${SMALL}`);
  await tab.click('start');
  await tab.reach('ended');
  same(await tab.text('digest'), expected.small, 'the digest');
  same(await tab.text('verdict'), PUBLISHED, 'the verdict');
  const threads = await tab.text('threads');
  return `50 steps end with ${expected.small.slice(0, SHORT)}; threads: ${threads}`;
}

/** Paused, saved, loaded into a page of its own, gone on with. */
async function goesOn(tab, { play, expected }) {
  await tab.goto(`${play}/${SMALL}`);
  await tab.click('start');
  await tab.steps(5);
  await tab.click('pause');
  await tab.reach('paused');
  const step = Number(/\d+/.exec(await tab.text('state'))[0]);
  demand(step >= 5 && step < 50, `paused after step ${step}`);
  const file = await tab.download('save');
  await tab.goto(`${play}/`);
  await tab.upload('load', 'checkpoint.safetensors', file);
  await tab.reach('paused');
  same(await tab.text('state'), `loaded after step ${step}`, 'the state');
  await tab.click('resume');
  await tab.reach('ended');
  same(await tab.text('digest'), expected.small, 'the digest after loading');
  return `paused after step ${step}, saved, loaded, resumed`;
}

async function noticesABit(tab, { play }) {
  await tab.goto(`${play}/${SMALL.replace('#train', '#backward')}`);
  const said = await tab.until(() => document.querySelector('#journey-verdict').textContent);
  demand(/ 0 elements differ\.$/.test(said), said);
  await tab.click('flip');
  const error = await tab.until(() => document.querySelector('#journey-error').textContent);
  const words = /^ReconstructionError: .* block (\d+) of sample (\d+) .* is element (\d+);/.exec(
    error,
  );
  demand(words !== null, error);
  return `0 elements differ; a bit is noticed in block ${words[1]}, element ${words[3]}`;
}

async function compares(tab, { play }) {
  await tab.goto(`${play}/${SMALL.replace('#train', '#compare')}`);
  await tab.click('race');
  const said = await tab.until(() => document.querySelector('#race-verdict').textContent);
  demand(/^The first has the published digest, \w{64}\. The second has the pub/.test(said), said);
  return 'both published digests';
}

/** The first browser makes a link, the others follow it. */
async function follows(tab, shared) {
  const { play } = shared;
  if (shared.link === undefined) {
    await tab.goto(`${play}/${SMALL.replace('seed=5', 'seed=7')}`);
    await tab.click('start');
    await tab.reach('ended');
    shared.link = await tab.evaluate(() => location.hash);
    demand(/digest=\w{64}/.test(shared.link), shared.link);
    return `made ${/digest=(\w{16})/.exec(shared.link)[1]}`;
  }
  await tab.goto(`${play}/${shared.link}&start=1`);
  await tab.reach('ended');
  same(await tab.text('verdict'), LINKED, 'the verdict of a link from another browser');
  return `ends with ${/digest=(\w{16})/.exec(shared.link)[1]}, by a link from another browser`;
}

async function draws(tab, shared) {
  const { draw, expected } = shared;
  await tab.goto(`${draw}/#steps=${DIGITS.steps}&seed=${DIGITS.seed}`);
  await tab.click('start');
  await tab.reach('ended');
  same(await tab.text('digest'), expected.digits, 'the digest');
  const right = await tab.text('accuracy');
  const [, strokes] = drawings('digits').find(([name]) => name === '0 upright');
  await tab.draw('pad', strokes, PAD);
  await tab.until(() => document.querySelector('#says').textContent === 'A 0.');
  await tab.click('clear');
  await tab.click('example');
  await tab.until(() => document.querySelector('#says').textContent === 'A 7.');
  const bars = await tab.evaluate(() =>
    [...document.querySelectorAll('#digits span')].map((span) => span.textContent).join(' '),
  );
  shared.bars ??= bars;
  same(bars, shared.bars, 'its probabilities');
  await tab.click('strange');
  await tab.until(() => document.querySelector('#says').className === 'strange');
  return `${DIGITS.steps} steps, ${right} right, a 0 by the mouse is seen, a strange drawing too`;
}

export const CHECKS = [trains, goesOn, noticesABit, compares, follows, draws];
