// Errors, where everyone sees and hears them: what went wrong, and a way on.

import { at, say } from './dom.ts';

export function showTrouble(error: unknown): void {
  const { message, hint } = error as Error & { hint?: string };
  const text = String(message ?? error);
  const sentence = `${text.charAt(0).toUpperCase()}${text.slice(1)}`.replace(/\.+$/, '');
  say(at('trouble-text'), `${sentence}.`);
  say(at('trouble-hint'), hint === undefined ? '' : `What helps: ${hint}.`);
  at('trouble').hidden = false;
}

export function hideTrouble(): void {
  at('trouble').hidden = true;
}

/** Runs what a button does; what it throws is shown. */
export async function attempt(work: () => unknown): Promise<void> {
  hideTrouble();
  try {
    await work();
  } catch (error) {
    showTrouble(error);
  }
}
