// Calls of retrograd/receipt.

import { gpt, R, S, WINDOW } from './arguments-good.mjs';

const dataSha256 = '0'.repeat(64);
const run = () => R.Trainer.create({ ...gpt.options, threads: 1 });
const about = () => ({ dataSha256, vocabulary: { a: [1] }, imported: false, every: 3, full: true });
const trainer = run();
const state = trainer.tensors().map((tensor) => ({ ...tensor, data: tensor.data.slice() }));
const recorder = await S.Recorder.begin(trainer, about());
const begun = new TextEncoder().encode(recorder.header);
const line = await recorder.record(trainer.step(WINDOW()));
const { privateKey, publicKey } = await S.createReceiptKeys();
const file = new TextEncoder().encode(recorder.header + line);
const envelope = await S.signReceipt(file, privateKey);

/** Names, calls and good arguments. */
export const RECEIPT_CALLS = [
  ['readReceipt', S.readReceipt, () => [file.slice()]],
  ['cutReceipt', S.cutReceipt, () => [file.slice(), 1]],
  ['compareReceipts', S.compareReceipts, () => [file.slice(), begun.slice()]],
  ['receiptOptions', S.receiptOptions, () => [file.slice(), { models: [], choices: {} }]],
  [
    'audit',
    (...args) => {
      const again = run();
      return S.audit(again, args[0] ?? (() => again.step(WINDOW())), ...args.slice(1));
    },
    () => [undefined, file.slice(), { until: 1, onStep: () => 1 }],
  ],
  [
    'findKernelFault',
    (about) => S.findKernelFault({ ...gpt.options, threads: 1 }, about),
    () => [{ tensors: state, steps: 0, step: (own) => own.step(WINDOW()) }],
  ],
  ['createReceiptKeys', S.createReceiptKeys, () => []],
  ['signReceipt', S.signReceipt, () => [file.slice(), privateKey]],
  ['verifySignature', S.verifySignature, () => [file.slice(), envelope, publicKey]],
  ['Recorder.begin', S.Recorder.begin, () => [trainer, about()]],
  [
    'Recorder.resume',
    (...args) => S.Recorder.resume(run(), ...args),
    () => [begun.slice(), { sha256: (parts) => R.sha256Hex(new Uint8Array(parts[0])) }],
  ],
  ['recorder.header', () => recorder.header, () => []],
  [
    'recorder.record',
    async (report) => {
      const other = run();
      const own = await S.Recorder.begin(other, { dataSha256 });
      const { step, loss, predictions } = other.step(WINDOW());
      await own.record(report ?? { step, loss, predictions });
    },
    () => [{ step: 1, loss: 1, predictions: 4 }],
  ],
];
