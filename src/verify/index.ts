// Known answers of the kernels and of training runs on this runtime, and checks for layers and
// update rules of your own.

export { type BufferArgument, type KernelCase, runCase } from './cases.ts';
export { describeRuntime, formatReport, summaryLine } from './report.ts';
export { type VerifyReport, type VerifyRow, verify } from './verify.ts';
export { type LayerCheck, type LayerReport, checkLayer } from './check-layer.ts';
export { type RuleCheck, type RuleReport, checkRule } from './check-rule.ts';
