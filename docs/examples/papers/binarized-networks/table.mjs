// The table of Binarized Neural Networks: MNIST by int16 products and by counts of bits, beside
// PyTorch; the speed of both products; and the bytes of weights.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { adamw, EpochOrder, isWeight, sha256Hex, Trainer } from 'retrograd';
import { mean, mnist } from '../data.mjs';
import { bits } from './bits.mjs';
import { clipped } from './model.mjs';
import { binarized, falling, sheetsOf } from './networks.mjs';
import { SIZE, timedProducts } from './products.mjs';

export const seeds = [1];
/** Two sheets of 10 x 10 digits a step. */
const ACROSS = 10;
const SHEETS = 2;
const BATCH = SHEETS * ACROSS ** 2;
const STEPS = 2000;
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

export async function measure({ seed, data, steps = STEPS }) {
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

/** What yardstick.py found of a kind last. */
function yardstick(kind) {
  const lines = existsSync(YARDSTICK) ? readFileSync(YARDSTICK, 'utf8').trim().split('\n') : [];
  return lines.map((line) => JSON.parse(line)).findLast((one) => one.kind === kind);
}

const percent = (share) => `${(100 * share).toFixed(2)} %`;
const found = (one) =>
  one === undefined ? 'not run' : `${percent(one.accuracy)}, ${one.steps} steps`;

export function rows(records) {
  const own = mean(records.map(({ bits }) => bits.accuracy));
  const isSame = records.every(({ int16, bits }) => int16.logits === bits.logits);
  const ratio = mean(records.map(({ milliseconds: { int16, binary: b } }) => int16 / b));
  const [{ bytes, steps }] = records;
  const [binary, float] = ['binary', 'float'].map(yardstick);
  return [
    {
      shown: `MNIST, 3 layers of 1,024, ${steps} steps of ${BATCH} digits`,
      bar: '≥ 97.5 %',
      measured: percent(own),
      isReached: own >= 0.975,
    },
    {
      shown: 'the same model in float32 (PyTorch): binarized; with real weights and rectifiers',
      bar: 'within 0.5 points',
      measured: `${found(binary)}; ${found(float)}`,
      isReached: binary?.steps === steps && Math.abs(own - binary.accuracy) <= 0.005,
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
