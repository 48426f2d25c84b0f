// npm run volunteer:test: builds the page of volunteers and drives it in Chromium, with a server,
// coordinators and other workers on this machine. Where there is no Chromium or no nats-server and
// none can be installed checks are skipped, and say so; the last line is `N passed, N failed`.
// Words choose checks; --record keeps what was found, --quick leaves out the long ones
// (test/playground/checks.mjs).

import { buildVolunteer, serveVolunteer } from '../../docs/examples/volunteer/build.mjs';
import { runChecks } from '../playground/checks.mjs';
import { axeFindsNothing, keyboardSuffices } from './access.mjs';
import {
  connectionFoundAgain,
  equalToOneAlone,
  framesFlow,
  isSmall,
  limitIsKept,
  pauseLeavesNothing,
  pausesBetweenParts,
  roundsToo,
  runtimesTogether,
} from './runs.mjs';
import {
  badAddressIsTold,
  noServerIsTold,
  otherRunsAreRefused,
  passwordLeavesTheAddress,
  refusalIsTold,
  strangersAreTold,
  withoutSimdIsTold,
} from './troubles.mjs';

const PAGE = {
  page: 'volunteer',
  command: 'npm run volunteer:test',
  checks: [
    isSmall,
    equalToOneAlone,
    roundsToo,
    runtimesTogether,
    pausesBetweenParts,
    pauseLeavesNothing,
    limitIsKept,
    connectionFoundAgain,
    refusalIsTold,
    otherRunsAreRefused,
    strangersAreTold,
    noServerIsTold,
    badAddressIsTold,
    passwordLeavesTheAddress,
    withoutSimdIsTold,
    axeFindsNothing,
    keyboardSuffices,
    framesFlow,
  ],
  long: [runtimesTogether, framesFlow],
  build: buildVolunteer,
  serve: serveVolunteer,
};

await runChecks(PAGE, process.argv.slice(2));
