// An update rule that does what another one does and lets somebody watch one sample: the state
// before every block on the way forward and on the way back, and a bit turned over on purpose. A
// rule is a value of the library's public kind, so nothing of the library is changed for it.

import type { Site, UpdateRule } from 'retrograd';
import type { Flip } from '../protocol.ts';

export interface Watched {
  readonly forward: Int32Array[];
  readonly back: Int32Array[];
  readonly side: Uint8Array[];
}

/** Rules whose second state is the one before the last: after a block was undone both are there. */
const OF_TWO_STATES = ['bdia', 'leapfrog'];

const copy = ({ run, n }: Site, at: number): Int32Array => run.view(at, n).slice();

/** Bytes beside the states, as int32 words rounded up. */
function sideOf({ run, lane, n, layers }: Site, rule: UpdateRule): Uint8Array {
  const size = rule.sideBytes(n, layers);
  const words = run.view(lane.side, Math.ceil(size / 4));
  return new Uint8Array(words.buffer, words.byteOffset, size);
}

/** Side bits of block k: BDIA has a part for each block but the first, momentum one for all. */
function sideOfBlock(site: Site, rule: UpdateRule): Uint8Array {
  const all = sideOf(site, rule);
  if (rule.name !== 'bdia') return all;
  const each = all.length / (site.layers - 1);
  return all.subarray((site.k - 1) * each, site.k * each);
}

function turnOver(site: Site, rule: UpdateRule, { what, element, bit }: Flip): void {
  const { run, lane, n } = site;
  if (what === 'state') run.view(lane.last, n)[element] ^= 1 << bit;
  else if (rule.name === 'bdia') sideOfBlock(site, rule)[element >> 3] ^= 1 << (element & 7);
  else sideOf(site, rule)[element * 4] ^= 1;
}

/** Watches `sample`; `flip`: is done before block flip.block is undone. */
export function tapped(
  rule: UpdateRule,
  sample: number,
  flip?: Flip,
): { rule: UpdateRule; watched: Watched } {
  const watched: Watched = { forward: [], back: [], side: [] };
  const { forward, back, side } = watched;
  const hasTwo = OF_TWO_STATES.includes(rule.name);
  let isBack = false;
  const isWatched = (site: Site): boolean => site.sample === sample && site.isTraining;
  const stepForward = (site: Site): number => {
    if (isBack || !isWatched(site)) return rule.forward(site);
    forward[site.k] = copy(site, site.lane.last);
    const beyond = rule.forward(site);
    forward[site.k + 1] = copy(site, site.lane.last);
    if (site.k > 0) side[site.k] = sideOfBlock(site, rule).slice();
    return beyond;
  };
  const stepBack = (site: Site): void => {
    isBack = true;
    if (!isWatched(site)) {
      rule.inverse?.(site);
      return;
    }
    if (flip?.block === site.k) turnOver(site, rule, flip);
    back[site.k + 1] = copy(site, site.lane.last);
    rule.inverse?.(site);
    back[site.k] = copy(site, site.lane.last);
    if (hasTwo && site.k > 0) back[site.k - 1] = copy(site, site.lane.previous);
  };
  const own = {
    forward: stepForward,
    ...(rule.inverse === undefined ? {} : { inverse: stepBack }),
  };
  return { rule: { ...rule, ...own }, watched };
}
