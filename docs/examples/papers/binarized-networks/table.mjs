// The table of Binarized Neural Networks: MNIST by int16 products and by counts of bits, beside
// PyTorch; the speed of both products; and the bytes of weights.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { adamw, EpochOrder, isWeight, sha256Hex, Trainer } from 'retrograd';
import { mean, mnist, percent } from '../data.mjs';
import { bits } from './bits.mjs';
import { clipped } from './model.mjs';
import { binarized, falling, sheetsOf } from './networks.mjs';
import { SIZE, timedProducts } from './products.mjs';

/** One run of each length: the seed is its place in STEPS. */
export const seeds = [1, 2];
/** Two sheets of 10 x 10 digits a step. */
const ACROSS = 10;
const SHEETS = 2;
const BATCH = SHEETS * ACROSS ** 2;
const STEPS = [2000, 3000];
const YARDSTICK = join(
  import.meta.dirname,
  '../../../../bench/results/papers/binarized-networks.torch.jsonl',
);

async function train(known, { seed, steps }) {
  const trainer = Trainer.create({
    model: binarized({ across: ACROSS }),
    batch: SHEETS,
    steps,
    seed,
    learningRate: falling(0.003),
    optimizer: clipped(adamw({ weightDecay: 0 })),
    threads: SHEETS,
    worker: new URL('./thread.mjs', import.meta.url),
  });
  await trainer.ready();
  const order = new EpochOrder(seed, known.count);
  while (trainer.steps < steps) {
    const first = trainer.steps * BATCH;
    const places = Array.from({ length: BATCH }, (_, i) => order.at(first + i));
    trainer.step(sheetsOf(known, places, ACROSS));
  }
  trainer.close();
  return trainer;
}

/** Accuracy and the digest of all logits, with a trainer's weights and some products. */
async function evaluate(trainer, unseen, products) {
  const logits = [];
  const onLogits = (sheet) => void logits.push(...new Uint8Array(sheet.buffer));
  const model = binarized({ across: ACROSS, products, onLogits });
  const other = Trainer.create({ model, batch: 10, steps: 1 });
  const weights = trainer.tensors();
  for (const { name, data } of other.tensors())
    data.set(weights.find((tensor) => tensor.name === name).data);
  const places = Array.from({ length: unseen.count }, (_, i) => i);
  const { accuracy } = other.evaluate(sheetsOf(unseen, places, ACROSS));
  return { accuracy, logits: await sha256Hex(Uint8Array.from(logits)) };
}

/** Bytes of the weights as int16 and as bits. */
function bytesOf(trainer) {
  const isMatrix = (tensor) => isWeight(tensor) && tensor.name.endsWith('.weight');
  const weights = trainer.tensors().filter(isMatrix);
  const count = weights.reduce((sum, { data }) => sum + data.length, 0);
  return { int16: count * 2, bits: count / 8 };
}

export async function measure({ seed, data, steps = STEPS[seed - 1] }) {
  const { known, unseen } = mnist(data);
  const trainer = await train(known, { seed, steps });
  return {
    steps,
    int16: await evaluate(trainer, unseen, undefined),
    bits: await evaluate(trainer, unseen, bits),
    milliseconds: timedProducts(),
    bytes: bytesOf(trainer),
  };
}

/** What yardstick.py found of a kind in as many steps. */
function yardstick(kind, steps) {
  const lines = existsSync(YARDSTICK) ? readFileSync(YARDSTICK, 'utf8').trim().split('\n') : [];
  const all = lines.map((line) => JSON.parse(line));
  return all.findLast((one) => one.kind === kind && one.steps === steps)?.accuracy;
}

const orNot = (share) => (share === undefined ? 'not run' : percent(share));

export function rows(records) {
  const own = records.map(({ steps, bits }) => ({
    steps,
    accuracy: bits.accuracy,
    binary: yardstick('binary', steps),
    float: yardstick('float', steps),
  }));
  const beside = own.filter(({ binary }) => binary !== undefined);
  const isSame = records.every(({ int16, bits }) => int16.logits === bits.logits);
  const ratio = mean(records.map(({ milliseconds: { int16, binary: b } }) => int16 / b));
  const [{ bytes }] = records;
  return [
    {
      shown: `MNIST, 3 layers of 1,024, by steps of ${BATCH} digits`,
      bar: '≥ 97.5 %',
      measured: own.map(({ steps, accuracy }) => `${orNot(accuracy)} in ${steps} steps`).join('; '),
      isReached: own.some(({ accuracy }) => accuracy >= 0.975),
    },
    {
      shown: 'the same model in float32 (PyTorch): binarized; with real weights and rectifiers',
      bar: 'within 0.5 points',
      measured: beside
        .map((one) => `${orNot(one.binary)}; ${orNot(one.float)} in ${one.steps} steps`)
        .join('; '),
      isReached:
        beside.length > 0 &&
        beside.every(({ accuracy, binary }) => Math.abs(accuracy - binary) <= 0.005),
    },
    {
      shown: 'all logits of the 10,000 unseen digits, by counts of bits and by int16 products',
      bar: 'the same, bit for bit',
      measured: isSame ? 'the same' : 'not the same',
      isReached: isSame,
    },
    {
      shown: `product of ${SIZE}³ signs by counts of bits, beside the int16 product`,
      bar: '≥ 4 ×',
      measured: `${ratio.toFixed(2)} ×`,
      isReached: ratio >= 4 && records.every(({ milliseconds }) => milliseconds.isEqual),
    },
    {
      shown: 'bytes of the weights as bits, beside int16',
      bar: '1/16',
      measured: `${bytes.bits.toLocaleString('en')} of ${bytes.int16.toLocaleString('en')}`,
      isReached: bytes.bits * 16 === bytes.int16,
    },
  ];
}
