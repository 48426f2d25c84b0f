// The second entry of the package, retrograd/verify: known answers on this runtime, against the
// published digests.

export { type BufferArgument, type KernelCase, runCase } from './cases.ts';
export { describeRuntime, formatReport, summaryLine } from './report.ts';
export { type VerifyReport, type VerifyRow, verify } from './verify.ts';
export { type LayerCheck, type LayerReport, checkLayer } from './check-layer.ts';
export { type RuleCheck, type RuleReport, checkRule } from './check-rule.ts';
