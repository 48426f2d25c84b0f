// Whether a bound of time can be judged here and now: on a machine that does other things too it
// cannot be missed, only met.

/** Share of a processor that a program gets on a quiet machine. */
const QUIET = 0.9;
const PROBE = 400;

/** A check that could not be judged, with the reason. */
export class Skipped extends Error {}

/** Share of a processor that this program gets while it does nothing but count. */
function share() {
  const cpu = process.cpuUsage();
  const start = performance.now();
  while (performance.now() - start < PROBE);
  const { user, system } = process.cpuUsage(cpu);
  return (user + system) / 1000 / (performance.now() - start);
}

/** The least of some measurements if it is within the bound. Throws if it is not, as Skipped if the
 *  machine is disturbed. */
export async function within(bound, tries, measure) {
  const found = [];
  let shares = share();
  for (let i = 0; i < tries && !(Math.min(...found) <= bound); i++) {
    found.push(await measure());
    shares = Math.min(shares, share());
  }
  const best = Math.min(...found);
  if (best <= bound) return best;
  const words = `${best.toFixed(1)} ms, the bound is ${bound} ms`;
  if (shares >= QUIET) throw new Error(words);
  throw new Skipped(`${words}; programs get ${Math.round(100 * shares)} % of a processor here`);
}

/** Skips a check that cannot be made here. */
export function skipUnless(isPossible, reason) {
  if (!isPossible) throw new Skipped(reason);
}
