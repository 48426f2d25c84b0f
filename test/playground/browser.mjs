// npm run playground:test: builds the playground and drives it in Chromium. Where there is none and
// none can be installed it is skipped, and says so; the last line is `N passed, N failed`. Words
// choose checks; --record keeps what was found, --quick leaves out the long ones (checks.mjs).

import { buildPlayground, servePlayground } from '../../docs/playground/build.mjs';
import { axeFindsNothing, keyboardSuffices } from './access.mjs';
import { everyFlipIsNoticed, walksBack } from './backward.mjs';
import { runChecks } from './checks.mjs';
import { comparesTwo } from './compare.mjs';
import {
  enoughPolicySuffices,
  mistakesAreTold,
  strictPolicyIsTold,
  tooMuchIsRefused,
  withoutSimdIsTold,
} from './input.mjs';
import { equalToNode, linkReproduces, ownTextIsLinked, pausedSavedLoaded } from './runs.mjs';
import { beginsSoon, framesFlow, isLight, memoryStaysFlat, pausesAtOnce } from './smooth.mjs';

const CHECKS = [
  isLight,
  beginsSoon,
  equalToNode,
  pausedSavedLoaded,
  linkReproduces,
  ownTextIsLinked,
  walksBack,
  everyFlipIsNoticed,
  comparesTwo,
  pausesAtOnce,
  axeFindsNothing,
  keyboardSuffices,
  mistakesAreTold,
  tooMuchIsRefused,
  strictPolicyIsTold,
  withoutSimdIsTold,
  enoughPolicySuffices,
  framesFlow,
  memoryStaysFlat,
];

const PAGE = {
  page: 'playground',
  command: 'npm run playground:test',
  checks: CHECKS,
  long: [everyFlipIsNoticed, ownTextIsLinked, framesFlow, memoryStaysFlat],
  build: buildPlayground,
  serve: servePlayground,
};

await runChecks(PAGE, process.argv.slice(2));
