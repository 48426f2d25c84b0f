// README.md of an export: what the model is, how it is loaded, and the digest by which anybody can
// see that it is this one.

import type { Source } from './source.ts';

/** What a README says. */
export interface Card {
  readonly name: string;
  readonly title: string;
  /** The hub's name of the library that loads it. */
  readonly library: 'transformers' | 'transformers.js';
  /** Of the hub: text-generation, image-classification, translation. */
  readonly task: string;
  readonly tags: readonly string[];
  /** That loads it. */
  readonly code: string;
}

const MEAN_NETWORK =
  'It was trained with BDIA, which draws a gamma for each sample and block. This is its mean\n' +
  'network (gamma 0): the one that the library itself evaluates and samples.';

const shapeOf = (config: object): string =>
  Object.entries(config)
    .filter(([, value]) => ['number', 'boolean'].includes(typeof value))
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(', ');

/** The text of README.md. */
export function cardOf(source: Source, card: Card): string {
  const { rule } = source.config as { rule?: { name?: string } };
  const mean = rule?.name === 'bdia' ? `\n${MEAN_NETWORK}\n` : '';
  return `---
library_name: ${card.library}
pipeline_tag: ${card.task}
tags:
${['retrograd', ...card.tags].map((tag) => `- ${tag}`).join('\n')}
---

# ${card.name}

${card.title}, trained with retrograd in integers only: the same seed and data give the same
weights, byte for byte, on every machine.

| what | |
| --- | --- |
| shape | ${shapeOf(source.config)} |
| parameters | ${source.parameters} |
| SHA-256 of the int32 master weights | \`${source.sha256()}\` |

\`\`\`${card.library === 'transformers' ? 'python' : 'js'}
${card.code}
\`\`\`
${mean}`;
}
