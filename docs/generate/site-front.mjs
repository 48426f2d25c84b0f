// The first page of the site: for whom this is, what it can do, how big and how fast. Every figure
// is from bench/results, every line of code and what it prints from README.md.

import { count, environment, mib } from './markdown.mjs';
import { rowsThatRan } from './runtimes.mjs';
import { exampleOf, read, result } from './source.mjs';

/** The figures: { value, words, link }. A benchmark that was not run gives none. */
export function figures() {
  const found = [];
  const size = result('performance-size');
  if (size !== undefined) {
    const own = ({ engine }) => engine === 'retrograd';
    const { gzipped } = size.bundles.find(own).total;
    const { first } = size.starts[0].engines.find(own);
    found.push(
      {
        value: `${(gzipped / 1000).toFixed(0)} kB`,
        words: 'gzipped, the WebAssembly inside, no dependency',
        link: 'performance.md#size-and-start',
      },
      {
        value: `${first.median.toFixed(0)} ms`,
        words: 'from import to the end of the first training step',
        link: 'performance.md#size-and-start',
      },
    );
  }
  const step = result('performance-step')?.[0];
  if (step !== undefined) {
    const { ratios } = step;
    const rival = 1 / ratios['none / PyTorch'].median;
    found.push({
      value: `${ratios['jax-js / none'].median.toFixed(1)} ×`,
      words:
        'as fast in a training step as the next engine in JavaScript, and ' +
        `${rival.toFixed(2)} × as fast as PyTorch in float32 on one core`,
      link: 'performance.md#training-step',
    });
  }
  const memory = result('memory');
  if (memory !== undefined) {
    const last = memory.rows.at(-1);
    found.push({
      value: `${mib(last.bdia.bytes.states)} MiB`,
      words:
        `of states for ${last.layers} layers, as for ${memory.rows[0].layers}; storing them ` +
        `takes ${mib(last.none.bytes.states)} MiB`,
      link: 'reversibility.md',
    });
  }
  const matrix = result('conformance');
  if (matrix !== undefined) {
    const ran = rowsThatRan(matrix);
    const equal = ran.filter(({ status }) => status === 'equal').length;
    found.push({
      value: `${equal} of ${ran.length}`,
      words: 'engines and processors tried computed the published bits',
      link: 'development.md#conformance-matrix',
    });
  }
  const learning = result('learning');
  const ratios = Object.values(learning?.operands.int16.summary ?? {})
    .map(({ ratio }) => ratio)
    .filter((ratio) => ratio !== undefined);
  if (ratios.length > 0)
    found.push({
      value: `${Math.max(...ratios).toFixed(3)} ×`,
      words: `PyTorch's validation loss in float32 at most, after ${count(learning.steps)} steps`,
      link: 'number-formats.md',
    });
  return found;
}

const item = ({ value, words, link }) =>
  `<li><strong>${value}</strong><span>${words}. <a href="${link.replace('.md', '.html')}" ` +
  `aria-label="Measured: ${value}">Measured</a></span></li>`;

const WHOM = [
  [
    'Models trained in a page, a Worker, at the edge',
    'Text, images, pairs of sentences, or a model of your own, in one file that runs wherever ' +
      'JavaScript does. What is learned from stays where it is.',
  ],
  [
    'Runs that others can repeat',
    'The same seed and data give the same weights, byte for byte, for any machine, number of ' +
      'threads and split of a batch. A digest of 32 bytes proves it.',
  ],
  [
    'Networks too deep for their memory',
    'Training needs every state once more on the way back. Here each is rebuilt from the one ' +
      'after it, bit for bit, instead of being stored.',
  ],
];

const FRONT = `---
layout: page
title: retrograd
titleTemplate: training in whole numbers
sidebar: false
---

<main class="front vp-doc">

<div class="hero">
<h1><span class="name">retrograd</span> Training in whole numbers</h1>
<p>A tensor engine for JavaScript and WebAssembly. Small transformers learn wherever JavaScript
runs, with the same bits on every machine, and every step can be undone exactly.</p>
<nav aria-label="Begin">
<a class="first" href="play/index.html" target="_self">Playground</a>
<a href="draw/index.html" target="_self">Draw a digit</a>
<a href="start.html">Getting started</a>
<a href="api/retrograd.html">API</a>
</nav>
</div>
`;

/** The page. */
export function frontPage() {
  const output = /<!-- example-output:begin -->\n([\s\S]*?)\n<!--/.exec(read('README.md'))[1];
  const step = result('performance-step')?.[0];
  const where = step === undefined ? '' : `Speed was measured on: ${environment(step.stamp)}. `;
  return `${FRONT}
<ul class="figures">
${figures().map(item).join('\n')}
</ul>

<p class="source">${where}<a href="performance.html">Performance</a> has all that was measured,
what was aimed at and what was not reached.</p>

## For whom

<ul class="whom">
${WHOM.map(([title, words]) => `<li><strong>${title}</strong><p>${words}</p></li>`).join('\n')}
</ul>

It is not for large models: it runs on processors, within the 4 GiB of WebAssembly. [What it does
not do](./start.md#what-it-does-not-do) has the rest.

## How it looks

\`\`\`js
${exampleOf('README.md').trimEnd()}
\`\`\`

It prints the same on every machine, the last line included:

${output}

## Depth costs no states

![Chart: memory of the forward pass in MiB against layers, stored and reversible](./memory.svg)

[See it](./playground.md): the playground shows every state on its way there and back, and what
happens if one bit of it is turned over. [Does your browser compute the same
bits](./verify/index.html){target="_self"}? [Results](./results.md) says what comparisons of the
update rules found, and where they do not win.

</main>
`;
}
