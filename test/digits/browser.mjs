// npm run digits:test: builds the page of digits and drives it in Chromium. Where there is none and
// none can be installed it is skipped, and says so; the last line is `N passed, N failed`. Words
// choose checks; --record keeps what was found, --quick leaves out the long ones
// (test/playground/checks.mjs).

import { buildDigits, serveDigits } from '../../docs/examples/digits/build.mjs';
import { runChecks } from '../playground/checks.mjs';
import { axeFindsNothing, fingersDraw, keyboardSuffices } from './access.mjs';
import { drawingsAreSeen } from './drawings.mjs';
import {
  badAddressIsTold,
  enoughPolicySuffices,
  equalToNode,
  framesFlow,
  isLight,
  learnsInTime,
  linkReproduces,
  pausesAndStops,
  strictPolicyIsTold,
  withoutSimdIsTold,
} from './runs.mjs';

const PAGE = {
  page: 'digits',
  command: 'npm run digits:test',
  checks: [
    isLight,
    equalToNode,
    learnsInTime,
    drawingsAreSeen,
    pausesAndStops,
    linkReproduces,
    badAddressIsTold,
    strictPolicyIsTold,
    withoutSimdIsTold,
    enoughPolicySuffices,
    axeFindsNothing,
    keyboardSuffices,
    fingersDraw,
    framesFlow,
  ],
  long: [framesFlow],
  build: buildDigits,
  serve: serveDigits,
};

await runChecks(PAGE, process.argv.slice(2));
