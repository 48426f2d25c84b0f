// What a volunteer is told before anything of a run is fetched.

import { bytes, count } from '../../../playground/format.ts';
import type { RunInfo } from '../protocol.ts';

/** Sentences of consent. */
export function consentTo(info: RunInfo): string[] {
  const { parameters, layers, channels, steps, text, begin, eachStep, eachPart } = info;
  return [
    `This tab computes parts of the training of a GPT of ${count(parameters)} weights ` +
      `(${layers} layers, ${channels} channels), ${count(steps)} steps, until you stop it or the ` +
      'run ends. It keeps one processor core busy, which takes power.',
    `It fetches the text of the run (${bytes(text)}) and its weights. You can see both, and ` +
      'whoever runs the server sees your address on the network and what you compute. Nothing ' +
      'else of this machine is read or sent.',
    `It moves about ${bytes(begin)} to begin with, then about ${bytes(eachStep)} down for each ` +
      `step and ${bytes(eachPart)} up for each part that it computes, as long as it runs.`,
    'While the tab is hidden the browser may slow it down or stand it still. Nothing is lost by ' +
      'that, or by closing it: others compute the part again.',
  ];
}
