// A small model of small messages, trained in a second.

import { MessageModel, trainMessages } from '../../src/codec/index.ts';

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

export const SMALL = { layers: 1, channels: 16, heads: 2, context: 32, steps: 60, batch: 8 };
export const SAMPLES = Array.from({ length: 60 }, (_, i) =>
  bytesOf(`{"id":${i * 37},"name":"${['ann', 'bob', 'eve'][i % 3]}","ok":${i % 2 === 0}}`),
);

let file: Promise<Uint8Array<ArrayBuffer>> | undefined;

/** Its file. */
export const smallFile = (): Promise<Uint8Array<ArrayBuffer>> => {
  file ??= trainMessages(SAMPLES, { ...SMALL, learningRate: 0.02 });
  return file;
};

export const smallModel = async (): Promise<MessageModel> => MessageModel.read(await smallFile());
