// What the page of results says of an experiment whose cells differ in their data too: every rule
// held against one of them on the same set, with the same seed, at the same step.

import { grouped, table } from './markdown.mjs';
import { runsOf, spread, statistics, write } from './results-numbers.mjs';
import { origin, soundness } from './results-words.mjs';

/** The runs of a grid: its own, and those that it borrows, under the names of its cells. */
export const runsOfGrid = ({ name, grid }, all) => [
  ...all[name],
  ...grid.sets
    .filter(({ from }) => from !== undefined)
    .flatMap(({ id, from: { experiment, cells } }) =>
      (all[experiment] ?? [])
        .filter(({ cell }) => cells[cell] !== undefined)
        .map((run) => ({ ...run, cell: `${id}-${cells[run.cell]}` })),
    ),
];

const isWell = ({ found }) => found.failed === undefined;

/** Runs of a rule on a set, each with that of `against` with the same seed: [[run, plain], ...]. */
export function pairsOf({ grid: { against } }, runs, set, rule) {
  const plain = runsOf(runs, `${set.id}-${against}`).filter(isWell);
  return runsOf(runs, `${set.id}-${rule.id}`)
    .filter(isWell)
    .map((run) => [run, plain.find(({ seed }) => seed === run.seed)])
    .filter(([, beside]) => beside !== undefined);
}

/** Times that a run has seen each of its characters, images or pairs after so many steps. */
function epochsOf({ options: { batch, model, trainTokens, trainImages, trainPairs } }, step) {
  if (trainTokens !== undefined) return (step * batch * model.context) / trainTokens;
  return (step * batch) / (trainImages ?? trainPairs);
}

/** Mean and deviation of the difference of held-out losses at every evaluation, in the order of
 *  steps: { x: training loss of plain, epochs, mean, deviation, n }. */
export function differencesOf(one, runs, set, rule) {
  const pairs = pairsOf(one, runs, set, rule);
  if (pairs.length === 0) return [];
  return pairs[0][1].found.curve.map(({ step }) => {
    const at = ({ found }) => found.curve.find((point) => point.step === step);
    const both = pairs.map((pair) => pair.map(at)).filter((points) => !points.includes(undefined));
    return {
      step,
      epochs: epochsOf(pairs[0][1], step),
      x: statistics(both.map(([, plain]) => plain.trainLoss)).mean,
      ...statistics(both.map(([rules, plain]) => rules.loss - plain.loss)),
    };
  });
}

/** Difference of a metric of `found`, over seeds. */
export const differenceOf = (pairs, at) =>
  statistics(pairs.map(([run, plain]) => at(run.found) - at(plain.found)));

/** -1: below by more than the spread of seeds; 1: above by more; 0: neither, or one seed only. */
export const sideOf = ({ mean, deviation }) =>
  deviation !== undefined && Math.abs(mean) > deviation ? Math.sign(mean) : 0;

/** The evaluations between which a rule came below plain for good; undefined if it does not end
 *  below plain, or was never above it, both by more than the spread of seeds. */
export function crossingOf(points) {
  const last = points.findLastIndex(({ mean }) => mean >= 0);
  const wasAbove = points.slice(0, last + 1).some((point) => sideOf(point) > 0);
  const isShown = wasAbove && sideOf(points.at(-1)) < 0;
  return isShown ? { before: points[last], after: points[last + 1] } : undefined;
}

const signed = (value) => (value < 0 ? '' : '+') + write(value, 'nats');
/** "-0.0312 ± 0.0041", "+0.0100" */
export function difference({ mean, deviation }) {
  const around = deviation === undefined ? '' : write(deviation, 'nats');
  return signed(mean) + (/[1-9]/.test(around) ? ` ± ${around}` : '');
}

/** Sets that have a run, and of each the rules that are held against plain. */
export const setsOf = ({ grid }, runs) =>
  grid.sets.filter(({ id }) =>
    grid.rules.some((rule) => runsOf(runs, `${id}-${rule.id}`).length > 0),
  );
export const othersOf = ({ grid: { rules, against } }) => rules.filter(({ id }) => id !== against);
export const isBdia = ({ id }) => id.startsWith('bdia');

/** How one rule stands on a set: in words. */
function standing(rule, points) {
  const end = points.at(-1);
  const crossing = crossingOf(points);
  const size = `${difference(end)} at the end`;
  if (crossing !== undefined) {
    const { before, after } = crossing;
    return (
      `${rule.label} crosses where the training loss of plain falls from ` +
      `${grouped(before.x, 3)} to ${grouped(after.x, 3)} (epochs ${grouped(before.epochs, 1)} to ` +
      `${grouped(after.epochs, 1)}), ${size}`
    );
  }
  const side = ['below plain', 'not to be told from plain', 'above plain'][sideOf(end) + 1];
  return `${rule.label} is ${side}, ${size}`;
}

/** A line a set: how far plain over-fits, and how each rule stands to it. */
export function setLines(one, runs) {
  return setsOf(one, runs).map((set) => {
    const plain = runsOf(runs, `${set.id}-${one.grid.against}`).filter(isWell);
    const rise = statistics(plain.map(({ found }) => found.final.loss - found.best.loss));
    const rules = othersOf(one)
      .map((rule) => [rule, differencesOf(one, runs, set, rule)])
      .filter(([, points]) => points.length > 0);
    const ends =
      rise === undefined
        ? 'plain was not run'
        : `plain ends ${difference(rise)} over its lowest held-out loss`;
    return `- ${set.label}: ${[ends, ...rules.map((rule) => standing(...rule))].join('; ')}.`;
  });
}

const listed = (words) => (words.length === 0 ? 'none' : words.join('; '));

/** Sets on which one of the rules fulfils a condition, as "SET (RULES)"; of one rule, as "SET". */
function where(one, runs, rules, holds) {
  return setsOf(one, runs).flatMap((set) => {
    const those = rules.filter((rule) => holds(set, rule)).map(({ label }) => label);
    if (those.length === 0) return [];
    return rules.length === 1 ? [set.label] : [`${set.label} (${those.join(' and ')})`];
  });
}

/** Whether a crossing is shown, and who is ahead if every run is stopped at its best. */
export function gridVerdict(one, runs) {
  const sets = setsOf(one, runs);
  const bdia = othersOf(one).filter(isBdia);
  const crossed = where(
    one,
    runs,
    bdia,
    (set, rule) => crossingOf(differencesOf(one, runs, set, rule)) !== undefined,
  );
  const bestSide = (set, rule) => {
    const pairs = pairsOf(one, runs, set, rule);
    return pairs.length === 0 ? 0 : sideOf(differenceOf(pairs, ({ best }) => best.loss));
  };
  const others = othersOf(one).filter((rule) => !isBdia(rule));
  const best = (rules, side) =>
    listed(where(one, runs, rules, (set, rule) => bestSide(set, rule) === side));
  const found =
    crossed.length === 0
      ? `**No crossing was found** on ${sets.length} sets: nowhere does BDIA come from above ` +
        'plain to below it'
      : `**A crossing is shown** on ${crossed.length} of ${sets.length} sets: ${listed(crossed)}`;
  return (
    `${found}. Each run at its lowest held-out loss, as if stopped there, by more than the ` +
    `spread of seeds: BDIA below plain on ${best(bdia, -1)}; above it on ${best(bdia, 1)}. ` +
    `${others.map(({ label }) => label).join(', ')}: below plain on ${best(others, -1)}; ` +
    `above it on ${best(others, 1)}.`
  );
}

// ---- the block ----------------------------------------------------------------------------------

/** The accuracy at the end and, in brackets, that minus plain; nothing of a set that has none. */
function accuracyOf(own, pairs) {
  const at = ({ final }) => final.accuracy;
  const found = own.filter(isWell).map((run) => at(run.found));
  if (!found.every(Number.isFinite) || found.length === 0) return '';
  const ours = spread(statistics(found), 'percent');
  if (pairs.length === 0) return ours;
  const less = differenceOf(pairs, at);
  return `${ours} (${less.mean < 0 ? '' : '+'}${spread(less, 'percent')})`;
}

/** Rows of the table: a rule on a set, beside plain. */
const rowsOf = (one, runs) =>
  setsOf(one, runs).flatMap((set) =>
    one.grid.rules.flatMap((rule) => {
      const own = runsOf(runs, `${set.id}-${rule.id}`);
      if (own.length === 0) return [];
      const pairs = rule.id === one.grid.against ? [] : pairsOf(one, runs, set, rule);
      const beside = (at) => (pairs.length === 0 ? '' : difference(differenceOf(pairs, at)));
      const value = (at) => {
        const found = statistics(own.filter(isWell).map((run) => at(run.found)));
        return found === undefined ? '' : spread(found, 'nats');
      };
      return [
        [
          set.label,
          rule.label,
          own.length,
          grouped(epochsOf(own[0], own[0].options.steps), 1),
          value(({ final }) => final.loss),
          beside(({ final }) => final.loss),
          value(({ best }) => best.loss),
          beside(({ best }) => best.loss),
          value(({ final }) => final.trainLoss),
          accuracyOf(own, pairs),
        ],
      ];
    }),
  );

const HEAD = [
  ...['set', 'rule', 'n', 'epochs', 'held-out loss at the end', 'minus plain'],
  ...['lowest on the way', 'minus plain', 'training loss at the end', 'accuracy at the end, %'],
];

/** What each set is, with the digest of what was read. */
const aboutSets = (one, runs) =>
  setsOf(one, runs)
    .map(({ id, label, about }) => {
      const those = runs.filter(({ cell }) => one.grid.rules.some((r) => cell === `${id}-${r.id}`));
      const digests = [...new Set(those.map(({ data }) => data.sha256.slice(0, 16)))];
      const mixed = digests.length > 1 ? ' **The runs are of different data.**' : '';
      return `${label}: ${about} (SHA-256 ${digests.join(', ')}...).${mixed}`;
    })
    .join(' ');

/** The block of a grid: what was found, table, sets, chart. Only sets that were run are there. */
export function gridBlock(one, all) {
  const { chart } = one.grid;
  const runs = runsOfGrid(one, all);
  return [
    gridVerdict(one, runs),
    '',
    ...setLines(one, runs),
    '',
    `![Chart by ${chart.xTitle}: ${chart.title}](${chart.file})`,
    '',
    table(HEAD, rowsOf(one, runs), [2, 3, 4, 5, 6, 7, 8, 9]),
    '',
    `Answers to: ${one.paper}. ${one.sizes} ${aboutSets(one, runs)}`,
    '',
    soundness(all[one.name]),
    '',
    `Mean ± standard deviation (n - 1) over n seeds, of differences over pairs of one seed. ` +
      `Of this experiment itself: ${origin(all[one.name])}`,
  ].join('\n');
}
