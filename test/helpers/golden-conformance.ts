// What src/verify/published/conformance.json holds: the cases, and the reference implementation's
// digests of them.

import { hex } from '../../src/core/digest.ts';
import type { Kernels } from '../../src/kernels/kernels.ts';
import { createReferenceBackend } from '../../src/kernels/reference/index.ts';
import { type KernelCase, runCase } from '../../src/verify/cases.ts';
import { digestOfDigests, digestOfHex } from '../../src/verify/digest.ts';
import { RUNS, runStages } from '../../src/verify/runs.ts';
import { CASES } from './conformance-cases.ts';

/** The file's text: one line a case, so that a difference is one line. */
export function goldenConformance(): string {
  let stream = 0;
  const kernelDigests: string[] = [];
  const backend = createReferenceBackend(2 ** 22);
  const kernels = (Object.keys(CASES) as (keyof Kernels)[]).map((kernel) => {
    const digests: Uint8Array[] = [];
    const lines = CASES[kernel].map((args) => {
      const one: KernelCase = { stream: ++stream, args };
      const digest = runCase(backend, kernel, one);
      digests.push(digest);
      return `      ${JSON.stringify({ ...one, digest: hex(digest).slice(0, 16) })}`;
    });
    kernelDigests.push(digestOfDigests(digests));
    const digest = kernelDigests.at(-1);
    return `    "${kernel}": { "digest": "${digest}", "cases": [\n${lines.join(',\n')}\n    ] }`;
  });
  const runDigests: string[] = [];
  const runs = Object.keys(RUNS).map((name) => {
    const stages = Object.entries(runStages(name)).map(([stage, digest]) => [stage, hex(digest)]);
    runDigests.push(...stages.map(([, digest]) => digest));
    return `    ${JSON.stringify(name)}: ${JSON.stringify(Object.fromEntries(stages))}`;
  });
  return [
    `{\n  "digest": "${digestOfHex([...kernelDigests, ...runDigests])}",\n`,
    `  "kernels": {\n${kernels.join(',\n')}\n  },\n`,
    `  "runs": {\n${runs.join(',\n')}\n  }\n}\n`,
  ].join('');
}
