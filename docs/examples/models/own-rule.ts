// A GPT with an update rule of one's own, exactly reversible: the midpoint rule with a step of one,
//   x_{k+1} = x_{k-1} + h_k(x_k)    after a first step x_1 = x_0 + h_0(x_0).

import { gpt, type Lane, type Site, stateLimit, type UpdateRule } from 'retrograd';

const exchange = (lane: Lane): void => {
  [lane.last, lane.previous] = [lane.previous, lane.last];
};

/** to = from + sign * h, rounded to the state's bits. Returns how many left the range. */
const add = ({ run, h, n, l }: Site, from: number, to: number, sign: number): number =>
  run.kernels.add_rounded_i32(from, h, to, n, sign, 16 - l, stateLimit(l));

export const midpoint = (): UpdateRule => ({
  name: 'midpoint',
  options: {},
  hasGamma: false,
  sideBytes: () => 0,
  forward(site) {
    const { lane, k } = site;
    site.branch(lane.last);
    const beyond = add(site, k === 0 ? lane.last : lane.previous, lane.previous, 1);
    exchange(lane);
    return beyond;
  },
  inverse(site) {
    const { lane, k } = site;
    site.branch(lane.previous);
    if (k > 0) add(site, lane.last, lane.last, -1);
    exchange(lane);
  },
  fingerprint: ({ run, lane, k, n }) =>
    k === 0 ? undefined : run.kernels.hash_i32(lane.previous, n),
  /** a = dL/dx_{k+1}, b = what dL/dx_k has already: (a, b) <- (b + J^T a, a); x_1 has no x_{-1}. */
  backward(site) {
    const { run, lane, n, k, dBranch } = site;
    const { a, b } = lane;
    run.sum.of(n).add(a).into(dBranch);
    site.gradient();
    const sum = run.sum.of(n).add(dBranch);
    if (lane.bSign !== 0) sum.add(b);
    if (k === 0) sum.add(a);
    sum.into(b);
    [a.at, b.at, a.exponent, b.exponent] = [b.at, a.at, b.exponent, a.exponent];
    lane.bSign = 1;
  },
});

const shape = { layers: 4, channels: 32, heads: 4, context: 16 };
export const model = (vocabulary: number) => gpt({ vocabulary, ...shape, rule: midpoint() });
