// What the tests of the pages found in browsers, as tables: bench/results/pages.json, which they
// write with --record.

import { environment, table } from './markdown.mjs';
import { result } from './source.mjs';

/** Check -> what it asks, and the bar. A check that is not named here is not in the tables. */
const ASKED = {
  isLight: ['size of the page', '≤ 250,000 bytes gzipped'],
  isSmall: ['size of the page', '≤ 150,000 bytes gzipped'],
  equalToOneAlone: ['a run by Node and a tab', 'equal to one machine alone'],
  runtimesTogether: ['a run by four runtimes', 'equal to one machine alone'],
  beginsSoon: ['first step after the address was entered, one thread', '≤ 1 s'],
  equalToNode: ['50 steps, weights beside those of Node', 'equal'],
  pausedSavedLoaded: ['paused, saved, loaded and gone on with', 'equal'],
  linkReproduces: ["a run's address opened in another profile", 'equal'],
  ownTextIsLinked: ['the same with a text of one’s own', 'equal'],
  walksBack: ['states rebuilt on the way back', '0 differ'],
  everyFlipIsNoticed: ['bits turned over', 'all noticed'],
  comparesTwo: ['two runs at a time', 'published digests'],
  pausesAtOnce: ['pause', 'within one step'],
  pausesAndStops: ['pause, resume, stop', 'the same digest'],
  pausesBetweenParts: ['pause, resume, stop', 'nothing is sent in a pause'],
  pauseLeavesNothing: ['a pause', 'no part is lost or half done'],
  limitIsKept: ['a limit of bytes', 'not passed'],
  connectionFoundAgain: ['a server that is killed and comes back', 'told; equal'],
  refusalIsTold: ['a coordinator that refuses', 'told, with a way on'],
  otherRunsAreRefused: ['runs of another kind or build', 'told, with a way on'],
  strangersAreTold: ['an unknown run, a wrong password', 'told, with a way on'],
  noServerIsTold: ['no server', 'told, with a way on'],
  passwordLeavesTheAddress: ['a password in a link', 'is not shown'],
  framesFlow: ['longest gap between frames while it trains', '≤ 50 ms'],
  memoryStaysFlat: ['memory held over 20,000 steps', 'flat: 1 MiB more at most'],
  learnsInTime: ['unseen digits, from pressing Train', '≥ 95 % within 60 s'],
  drawingsAreSeen: ['30 digits and 30 strange drawings, by mouse', '≥ 80 % of each'],
  mistakesAreTold: ['bad input', 'told, with a way on'],
  tooMuchIsRefused: ['more memory than there is', 'told before it is taken'],
  badAddressIsTold: ['bad input', 'told, with a way on'],
  strictPolicyIsTold: ['a policy that forbids WebAssembly', 'told, with a way on'],
  withoutSimdIsTold: ['a browser without SIMD for WebAssembly', 'told, with a way on'],
  enoughPolicySuffices: ['a policy that is just enough', 'trains'],
  axeFindsNothing: ['axe, narrow windows', '0 violations'],
  keyboardSuffices: ['the keyboard alone', 'reaches everything'],
  fingersDraw: ['a finger', 'draws'],
};
const NOTHING = 'Nothing is recorded yet.';

/** The same of the checks that every browser runs. */
const ASKED_OF_ALL = {
  trains: '50 steps, weights beside those of Node',
  goesOn: 'paused, saved, loaded, resumed',
  noticesABit: 'there and back; a bit turned over',
  compares: 'two runs at a time',
  follows: 'a link of one browser in the others',
  draws: 'digits learned, one drawn',
};

/** A word of the page's own inside a cell stays text. */
const plain = (text) => text.replaceAll('<', '&lt;').replaceAll(/\s+/g, ' ');

const rowOf = ([name, { status, found }]) => {
  const [asked, bar] = ASKED[name] ?? [name, ''];
  return [asked, bar, `${status === 'passed' ? '' : `**${status}**: `}${plain(found)}`];
};

/** The table of a page. */
export const foundOf = (page) => () => {
  const found = result('pages')?.[page];
  if (found === undefined) return NOTHING;
  const { command, engine, checks } = found;
  const rows = Object.entries(checks).map(rowOf);
  const where = `${engine}, ${environment(found)}: \`${command} -- --record\`.`;
  return `${table(['what', 'bar', 'found'], rows)}\n\n${where}`;
};

const BROWSERS = ['chromium', 'firefox', 'webkitgtk'];

/** What every browser did: a row a check, a column a browser. */
export function inBrowsers() {
  const pages = result('pages') ?? {};
  const known = BROWSERS.filter((name) => pages[name] !== undefined);
  if (known.length === 0) return NOTHING;
  const cell = (name, check) => {
    const { status, found } = pages[name].checks[check] ?? { status: 'skipped', found: '' };
    return status === 'passed' ? plain(found) : `**${status}**: ${plain(found)}`;
  };
  const rows = Object.entries(ASKED_OF_ALL).map(([check, asked]) => [
    asked,
    ...known.map((name) => cell(name, check)),
  ]);
  const { command } = pages[known[0]];
  return (
    `${table(['what', ...known.map((name) => pages[name].engine)], rows)}\n\n` +
    `${environment(pages[known[0]])}: \`${command} -- --record\`.`
  );
}
