// What is where in the site: every document of the repository once, in the order of the sidebar.
// A page is the path of its document, or one of MADE, which the build writes.

import { ENTRIES } from '../../.ci/entries.mjs';

/** Pages without a document: name in the site and title. */
export const MADE = { 'index.md': 'retrograd', 'examples.md': 'Examples' };

export const GROUPS = [
  {
    text: 'Begin',
    pages: [
      ['Getting started', 'README.md'],
      ['Playground', 'docs/playground.md'],
      ['Digits', 'docs/digits.md'],
      ['Examples', 'examples.md'],
      ['Command line', 'docs/command-line.md'],
    ],
  },
  {
    text: 'Use',
    pages: [
      ['Generation', 'docs/generation.md'],
      ['Codec', 'docs/codec.md'],
      ['Learning on', 'docs/fine-tuning.md'],
      ['Weights from elsewhere', 'docs/import.md'],
      ['Models elsewhere', 'docs/export.md'],
      ['Weights in files', 'docs/weights.md'],
      ['Checkpoint format', 'docs/checkpoint-format.md'],
      ['Receipts', 'docs/receipts.md'],
      ['Many machines', 'docs/distributed.md'],
      ['Volunteers', 'docs/volunteer.md'],
      ['Continuous integration', 'docs/ci.md'],
    ],
  },
  {
    text: 'API reference',
    pages: [
      ['retrograd', 'docs/api/retrograd.md'],
      ...ENTRIES.map((name) => [`retrograd/${name}`, `docs/api/${name}.md`]),
    ],
  },
  {
    text: 'How it works',
    pages: [
      ['Architecture', 'docs/architecture.md'],
      ['Reversibility', 'docs/reversibility.md'],
      ['Number formats', 'docs/number-formats.md'],
      ['int8 operands', 'docs/int8.md'],
      ['Kernels', 'docs/kernels.md'],
      ['Conformance', 'docs/conformance.md'],
      ['Limits', 'docs/limits.md'],
    ],
  },
  {
    text: 'What was found',
    pages: [
      ['Results', 'docs/results.md'],
      ['Performance', 'docs/performance.md'],
      ["Other papers' systems", 'docs/papers.md'],
      ['Decisions', 'docs/decisions.md'],
      ['What was tried', 'docs/tried.md'],
    ],
  },
  {
    text: 'The project',
    pages: [
      ['Development', 'docs/development.md'],
      ['Contributing', 'CONTRIBUTING.md'],
      ['Security', 'SECURITY.md'],
      ['Changelog', 'CHANGELOG.md'],
    ],
  },
];

/** Pages that run in the browser as they are: folder in the site, and its document's folder. */
export const APPS = {
  'docs/playground/index.html': 'play/index.html',
  'docs/examples/digits/index.html': 'draw/index.html',
  'docs/verify.html': 'verify/index.html',
};

/** Folders of those that train: isolated, so that they have threads. */
export const TRAINING = ['play', 'draw'];

/** Documents that have a page, in order. */
export const DOCUMENTS = GROUPS.flatMap(({ pages }) => pages)
  .map(([, page]) => page)
  .filter((page) => MADE[page] === undefined);

const NAMES = { 'README.md': 'start.md' };

/** The page of a document in the site, as a path from its root. */
export const pageOf = (file) => NAMES[file] ?? file.replace(/^docs\//, '').toLowerCase();
