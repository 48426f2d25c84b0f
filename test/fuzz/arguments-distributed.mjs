// Calls of retrograd/distributed.

import { gpt, N, R, WINDOW, whole } from './arguments-good.mjs';

const create = () => R.Trainer.create({ ...gpt.options, threads: 1 });
const trainer = create();
const RANGE = () => ({ step: 0, first: 0, count: 1 });
const { gradients, ...sums } = N.computePart(trainer, WINDOW(), RANGE());
const part = () => ({ ...sums, gradients: gradients.slice() });
const coded = await N.encodePart(trainer, part());
const weights = N.copyWeights(trainer);
const codedWeights = N.encodeWeights(weights);
const ABOUT = { run: 'r', kernels: 'k' };
const end = new TextEncoder().encode('{"end":"the run is complete"}\n');
const courier = () => ({
  ...{ ask: async () => end.slice(), report: async () => end.slice() },
  fetch: async () => undefined,
});
/** Messages and bytes that go nowhere. */
const post = () => {
  const nothing = async () => undefined;
  return whole({ serve: nothing, put: nothing, drop: nothing });
};
const options = () => ({
  ...{ ...ABOUT, parts: 1, replicate: 1, spotChecks: 0.5, patience: 1000 },
  ...{ onEvent: () => 1, random: () => 0.5 },
});
/** A coordinator whose step ends at once. */
function closed() {
  const coordinator = new N.Coordinator(create(), post(), options());
  coordinator.close('enough');
  return coordinator;
}
/** One that is asked. */
const made = (given, how) => new N.Coordinator(create(), post(), given ?? how);
const sum = () => new N.PartSum(trainer, WINDOW());

const local = R.Trainer.create({
  ...{ ...gpt.options, threads: 1, steps: 2 },
  optimizer: R.localSteps({ shards: 1, steps: 1 }),
});

/** Names, calls and good arguments. */
export const DISTRIBUTED_CALLS = [
  ['computePart', N.computePart, () => [trainer, WINDOW(), RANGE()]],
  ['encodePart', N.encodePart, () => [trainer, part()]],
  ['digestPart', N.digestPart, () => [trainer, part()]],
  ['decodePart', N.decodePart, () => [trainer, coded.slice()]],
  ['copyWeights', N.copyWeights, () => [trainer]],
  ['setWeights', N.setWeights, () => [trainer, weights.slice()]],
  ['encodeWeights', N.encodeWeights, () => [weights.slice(), weights.slice()]],
  ['decodeWeights', N.decodeWeights, () => [codedWeights.slice(), weights.length, weights.slice()]],
  ['partLimit', N.partLimit, () => [1, 4]],
  ['makeRound', N.makeRound, () => [local, () => WINDOW(), () => false]],
  ['PartSum', (...args) => new N.PartSum(...args), () => [trainer, WINDOW()]],
  ['sum.isWhole', () => sum().isWhole, () => []],
  ['sum.add', (...args) => sum().add(...args), () => [part()]],
  [
    'sum.update',
    (batch) => {
      const own = create();
      const all = new N.PartSum(own, batch);
      all.add(part());
      all.update();
    },
    () => [WINDOW()],
  ],
  ['Coordinator', (...args) => new N.Coordinator(...args), () => [trainer, post(), options()]],
  ['coordinator.open', (given) => made(given, options()).open(), () => [options()]],
  ['coordinator.workers', (given) => made(given, options()).workers, () => [options()]],
  ['coordinator.close', (why) => made(undefined, options()).close(why), () => ['enough']],
  ['coordinator.step', (batch) => closed().step(batch), () => [WINDOW()]],
  [
    'work',
    N.work,
    () => [
      {
        ...{ trainer, batchOf: () => WINDOW(), courier: whole(courier()), name: 'w', ...ABOUT },
        ...{ onTask: () => true, retry: 1 },
      },
    ],
  ],
];
