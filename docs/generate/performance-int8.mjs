// What was aimed at for int8 operands, next to what bench/all.mjs measured, for the first table of
// docs/performance.md. Where a processor has the fast form of the relaxed instruction they were
// meant to win, elsewhere to lose little.

const percent = (value) => `${(100 * value).toFixed(1)} %`;
const times = (value) => `${value.toFixed(2)} x`;
const least = (values) => Math.min(...values);
const LARGE = ['512 x 512 x 512', '1024 x 128 x 512', '2080 x 192 x 576'];

/** Whether the processor has the instruction's fast form. */
export const isFast = ({ features = [] }) =>
  features.includes('AVX-VNNI') || features.includes('dot product');

const atLeast = (what, value, target, format = times) => ({
  what,
  target: `at least ${format(target)}`,
  measured: format(value),
  reached: value >= target,
});
const atMost = (what, value, target) => ({
  what,
  target: `at most ${times(target)}`,
  measured: times(value),
  reached: value <= target,
});

function productTargets({ stamp, shapes }) {
  if (shapes[0].int8Share === undefined) return [];
  const at = (name) => shapes.find(({ shape }) => shape.join(' x ') === name);
  const small = at('64 x 64 x 64');
  const large = LARGE.map(at);
  const over = least(large.map(({ int8OverInt16 }) => int8OverInt16.median));
  const names = `int8 product ${LARGE.join(', ')}`;
  if (!isFast(stamp))
    return [
      atLeast(`${names}, over the int16 product (the least)`, over, 0.95),
      atLeast('int8 product 64 x 64 x 64, over int16', small.int8OverInt16.median, 0.9),
    ];
  const share = least(large.map(({ int8Share }) => int8Share.median));
  return [
    atLeast(`${names}, share of its instruction's peak (the least)`, share, 0.92, percent),
    atLeast('the same over the int16 product (the least)', over, 1.9),
    atLeast('int8 product 64 x 64 x 64, share of the peak', small.int8Share.median, 0.85, percent),
  ];
}

/** Of the small model, then of the large one: ratios that are at most something. */
const STEPS = [
  ['none / before', 'int16 step, plain residual, against the build before int8', 0.9],
  ['bdia / before', 'the same, reversible', 0.9],
  ['none int8 / before', 'int8 step, plain residual, against int16 before int8', 0.7, 1],
  ['none int8 / none', 'int8 step, plain residual, against the int16 step', 0.7, 1],
  ['none int8 / PyTorch, AVX2', 'the same against PyTorch with AVX2 kernels', 1],
  ['none int8 / PyTorch', 'the same against PyTorch at its best', 1],
  ['bdia int8 / none int8', 'int8, reversible step against the stored one', 1.35, 1.35],
];
const LARGE_STEPS = [
  ['none int8 / before', 'int8 step of the large model, against int16 before int8', 0.6, 1],
  ['none int8 / none', 'int8 step of the large model, against the int16 step', 0.6, 1],
  ['none int8 / PyTorch', 'the same against PyTorch at its best', 1],
];

function stepTargets({ stamp, ratios, large }) {
  const of = (found, list) =>
    list
      .map(([name, what, fast, other]) => [
        what,
        found?.[name]?.median,
        isFast(stamp) ? fast : other,
      ])
      .filter(([, value, target]) => value !== undefined && target !== undefined)
      .map((one) => atMost(...one));
  const jax = ratios['jax-js / none int8']?.median;
  const threads = ratios['1 / 2 threads, none int8']?.median;
  return [
    ...of(ratios, STEPS),
    ...of(large?.ratios, LARGE_STEPS),
    ...(jax === undefined || !isFast(stamp)
      ? []
      : [atLeast('int8 step, times as fast as jax-js', jax, 5)]),
    ...(threads === undefined
      ? []
      : [atLeast('int8, two threads against one, whole step', threads, 1.8)]),
  ];
}

/** [{ what, target, measured, reached }] of one measurement of each part, where it has int8. */
export const int8Targets = ({ gemm, step }) => [
  ...(gemm === undefined ? [] : productTargets(gemm)),
  ...(step === undefined ? [] : stepTargets(step)),
];
