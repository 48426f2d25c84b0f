// The table of BLRNet: digits by the probabilistic network, by the binary one of the likelier
// signs, and by ensembles of binary networks that are drawn.

import { adamw, cosine, Trainer } from 'retrograd';
import { digits, mean, percent, share, trainOn } from '../data.mjs';
import { blrnet, deciding, settle } from './networks.mjs';

export const seeds = [1, 2, 3];
const DRAWS = 16;
const SHAPE = { channels: 24, hidden: 128 };

/** The probabilities of all classes of every image of a set, [images, 10]. */
function chancesOf({ count, pixels }, trainer) {
  return Array.from({ length: count }, (_, i) => {
    const logits = trainer.predict(pixels.slice(i * 64, i * 64 + 64));
    const powers = logits.map((logit) => Math.exp(logit - Math.max(...logits)));
    const sum = powers.reduce((a, b) => a + b);
    return powers.map((power) => power / sum);
  });
}

/** The share that is recognised and the mean log loss in nats. */
function score(chances, { labels }) {
  const right = chances.filter((each, i) => each.indexOf(Math.max(...each)) === labels[i]);
  const loss = mean(chances.map((each, i) => -Math.log(each[labels[i]])));
  return { accuracy: right.length / chances.length, loss };
}

/** The chances of binary networks that are drawn, each alone and the mean of all. */
function drawn(set, trainer, seed) {
  const members = Array.from({ length: DRAWS }, (_, i) => {
    const putBack = settle(trainer, { seed, draw: i + 1 });
    const chances = chancesOf(set, trainer);
    putBack();
    return chances;
  });
  const together = members[0].map((_, i) =>
    Float64Array.from({ length: 10 }, (__, c) => mean(members.map((chances) => chances[i][c]))),
  );
  return { members, together };
}

export function measure({ seed, data, steps = 4000 }) {
  const { known, unseen } = digits(data);
  const optimizer = deciding(adamw({ weightDecay: 0 }), { push: 0.1, steps });
  const options = { batch: 32, steps, seed, optimizer, learningRate: cosine(0.03) };
  const learner = Trainer.create({ ...options, model: blrnet({ ...SHAPE, softness: 1 }) });
  const trainer = Trainer.create({ ...options, model: blrnet(SHAPE) });
  share(trainOn(known, learner), trainer);
  const probabilistic = score(chancesOf(unseen, trainer), unseen);
  const putBack = settle(trainer, { seed });
  const single = score(chancesOf(unseen, trainer), unseen);
  putBack();
  const { members, together } = drawn(unseen, trainer, seed);
  const each = members.map((chances) => score(chances, unseen));
  return {
    probabilistic,
    single,
    one: { accuracy: mean(each.map((e) => e.accuracy)), loss: mean(each.map((e) => e.loss)) },
    together: score(together, unseen),
  };
}

const nats = (found, what) => found.map((f) => f[what].loss.toFixed(3)).join(', ');

export function rows(found) {
  const accuracy = (what) => mean(found.map((f) => f[what].accuracy));
  return [
    {
      shown: 'digits of 8 x 8 by the single binary network',
      bar: 'within 1 point of the probabilistic one',
      measured:
        `${percent(accuracy('single'))} (probabilistic ${percent(accuracy('probabilistic'))}), ` +
        `${found.length} seeds`,
      isReached: accuracy('single') >= accuracy('probabilistic') - 0.01,
    },
    {
      shown: `log loss of ${DRAWS} sampled binary networks together`,
      bar: "below the single one's, 3 seeds",
      measured:
        `${nats(found, 'together')} (single ${nats(found, 'single')}; probabilistic ` +
        `${nats(found, 'probabilistic')}; one sample ${nats(found, 'one')})`,
      isReached:
        found.length >= 3 && found.every(({ together, single }) => together.loss < single.loss),
    },
    {
      shown: `accuracy of ${DRAWS} sampled binary networks together`,
      bar: 'said',
      measured: `${percent(accuracy('together'))} (one of them ${percent(accuracy('one'))})`,
      isReached: true,
    },
  ];
}
