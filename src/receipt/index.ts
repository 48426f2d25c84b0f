// Receipts of training runs: a chain of digests that a stranger can compute again.

export { type AuditOptions, audit } from './audit.ts';
export { compareReceipts, type Difference } from './compare.ts';
export type { Sha256 } from './digests.ts';
export { ReceiptError } from './errors.ts';
export {
  RECEIPT_FORMAT,
  type ReceiptHeader,
  type ReceiptLine,
  type ReceiptStart,
} from './format.ts';
export { findKernelFault, type KernelFault, type KernelFaultOptions } from './kernel-fault.ts';
export { receiptOptions } from './options.ts';
export { cutReceipt, MAX_RECEIPT_BYTES, type Receipt, readReceipt } from './read.ts';
export { type DigestOptions, Recorder, type RecordOptions } from './recorder.ts';
export { createReceiptKeys, type ReceiptKeys, signReceipt, verifySignature } from './sign.ts';
