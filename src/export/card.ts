// README.md of an export: what the model is, how it is loaded, and the digest by which anybody can
// see that it is this one.

import type { Source } from './source.ts';

/** What a README says. */
export interface Card {
  readonly name: string;
  readonly title: string;
  /** Of the hub: text-generation, image-classification, translation. */
  readonly task: string;
  readonly tags: readonly string[];
  /** Lines of Python that load it. */
  readonly python: readonly string[];
  /** What differs from the original, for people. */
  readonly notes: readonly string[];
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
export function cardOf(source: Source, sha256: string, card: Card): string {
  const { rule } = source.config as { rule?: { name?: string } };
  const mean = rule?.name === 'bdia' ? [MEAN_NETWORK] : [];
  return `---
library_name: transformers
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
| SHA-256 of the int32 master weights | \`${sha256}\` |

\`\`\`python
${card.python.join('\n')}
\`\`\`

${[...card.notes, ...mean].join('\n')}
`;
}
