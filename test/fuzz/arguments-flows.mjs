// Calls of flows, and of what they are made of.

import { R, runOf, use, useLayers, whole } from './arguments-good.mjs';

/** An image of 4 x 4 whole numbers for flows, whose last one is a mixture. */
const IMAGE_SHAPE = { height: 4, width: 4, channels: 1, fraction: 7 };
const netOf = (out, input) => [R.linear(input), R.linear(out, { name: 'out' })];
const PIXELS = { width: 4, height: 4, colours: 1 };
function useFlows(...given) {
  const flows = R.flowStack({ shape: IMAGE_SHAPE, flows: [...given, R.mixturePrior()] });
  useStack(flows, R.pixelValues(PIXELS));
}
function useStack(flows, input, loss = R.discretisedLogistic({ flows })) {
  const image = new Uint8Array(16).fill(7);
  use({ input, layers: [flows], loss }, { images: image }, image);
}
const goodStack = () => ({ shape: { ...IMAGE_SHAPE }, flows: [R.squeeze(), R.mixturePrior()] });
const element = () => {
  const made = new R.PriorElement({ first: 0, rows: 1, columns: 1, components: 1 }, 7);
  made.move(new Int32Array(2), 0, 0);
  return made;
};

const IDF = { width: 4, height: 4, colours: 1, levels: 1, flows: 1, channels: 2 };
const REVNET = { size: 4, colours: 1, classes: 2, levels: 1, blocks: 1, width: 2 };
const FLOWS = R.idfFlows(IDF);
const trained = R.Trainer.create(runOf(R.idf(IDF), { keep: undefined }));
const runner = new R.FlowRunner(FLOWS, trained.tensors());

/** [name, function, good arguments]. */
export const FLOW_CALLS = [
  [
    'skip',
    (...args) => useLayers([R.skip(...args), R.linear(2, { name: 'b' })]),
    () => [whole(R.linear(2)), whole(R.relu())],
  ],
  [
    'pixelValues',
    (...args) => useStack(R.flowStack(goodStack()), R.pixelValues(...args)),
    () => [{ ...PIXELS, channels: 1, fraction: 7, images: (batch) => batch.images }],
  ],
  [
    'flowStack',
    (options) => useStack(R.flowStack(options), R.pixelValues(PIXELS)),
    () => [{ ...goodStack(), flows: goodStack().flows.map(whole), keeps: 'nothing' }],
  ],
  ['squeeze', (...args) => useFlows(R.squeeze(...args)), () => []],
  ['shuffleChannels', (...args) => useFlows(R.shuffleChannels(...args)), () => [3]],
  [
    'additiveCoupling',
    (...args) => useFlows(R.squeeze(), R.additiveCoupling(...args)),
    () => [{ net: netOf, name: 'c', share: 0.5 }],
  ],
  [
    'split',
    (...args) => useFlows(R.squeeze(), R.split(...args)),
    () => [{ net: netOf, name: 's' }],
  ],
  [
    'mixturePrior',
    (...args) => {
      const flows = [R.mixturePrior(...args)];
      useStack(R.flowStack({ shape: IMAGE_SHAPE, flows }), R.pixelValues(PIXELS));
    },
    () => [{ components: 3, name: 'm' }],
  ],
  [
    'discretisedLogistic',
    (...args) => {
      const flows = R.flowStack(goodStack());
      useStack(flows, R.pixelValues(PIXELS), R.discretisedLogistic(...args));
    },
    () => [{ flows: R.flowStack(goodStack()) }],
  ],
  [
    'idf',
    (config) => R.plan(runOf(R.idf(config), { keep: undefined })).total,
    () => [{ ...IDF, components: 2, seed: 1, keeps: 'nothing' }],
  ],
  ['idfFlows', R.idfFlows, () => [{ ...IDF }]],
  [
    'iRevNet',
    (config) => R.plan(runOf(R.iRevNet(config), { keep: undefined })).total,
    () => [{ ...REVNET, channels: 2, keeps: 'nothing' }],
  ],
  ['iRevNetFlows', R.iRevNetFlows, () => [{ ...REVNET }]],
  [
    'FlowRunner',
    (tensors) => new R.FlowRunner(FLOWS, tensors),
    () => [trained.tensors().map((tensor) => ({ ...tensor }))],
  ],
  ['FlowRunner.forward', (...args) => runner.forward(...args), () => [new Int32Array(16)]],
  ['FlowRunner.inverse', (...args) => runner.inverse(...args), () => [new Int32Array(16), () => 0]],
  ['PriorElement', () => element().frequency(0), () => []],
];
