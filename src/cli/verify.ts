// retrograd verify: does this runtime compute the published bits?

import os from 'node:os';
import { checkExpected } from './expect.ts';
import { count } from './format.ts';
import { describeRuntime, formatReport, verify } from './library.ts';
import { print, printJson } from './reporters.ts';
import { status } from './status.ts';

export function verifyRuntime({ json, expect }: { json?: boolean; expect?: string }): number {
  const runtime = `${describeRuntime()}, ${os.cpus()[0]?.model.trim() ?? 'unknown processor'}`;
  const total = { cases: 0 };
  const report = verify((row) => {
    total.cases += row.cases;
    if (json === true) printJson({ event: 'row', ...row });
    else status(`${count(total.cases)} cases, ${row.name}`);
  });
  if (json !== true) status('');
  if (json === true) {
    const { equal, digest, expected, milliseconds } = report;
    printJson({ event: 'done', equal, digest, expected, milliseconds, runtime });
  } else
    print(
      `Known answers on this runtime: ${count(total.cases)} ` +
        `cases.\n\n${formatReport(report, runtime)}`,
    );
  if (report.equal) checkExpected('the known answers have', report.digest, expect);
  return report.equal ? 0 : 1;
}
