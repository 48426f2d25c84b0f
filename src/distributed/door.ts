// Who may work for a coordinator, and how it answers.

import { show } from '../core/check.ts';
import type { Bytes } from './courier.ts';
import { DistributedError } from './errors.ts';
import { type Message, packMessage } from './message.ts';
import { PROTOCOL } from './task.ts';

/** Why a worker that asks for the first time cannot have part; undefined if it can. */
export function refusalOf({ protocol, kernels }: Message['head'], own: string): string | undefined {
  if (protocol !== PROTOCOL)
    return `it speaks protocol ${show(protocol)}, the coordinator ${PROTOCOL}`;
  if (kernels !== own)
    return `its kernels have the digest ${show(kernels)}, the coordinator's ${own}`;
  return undefined;
}

/** An answer as bytes: nothing that a worker sends is an error of the coordinator's. */
export async function answer(of: () => Promise<object>): Promise<Bytes> {
  try {
    return packMessage(await of());
  } catch (error) {
    if (error instanceof DistributedError) return packMessage({ refused: error.message });
    throw error;
  }
}
