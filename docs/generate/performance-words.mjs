// How the performance page writes numbers, models and measurements.

import { count } from './markdown.mjs';

export const from = (first, length) => Array.from({ length }, (_, i) => first + i);
export const mib = (bytes) =>
  bytes / 2 ** 20 < 10 ? (bytes / 2 ** 20).toFixed(2) : count(bytes / 2 ** 20);
export const kilobytes = ({ gzipped }) => (gzipped / 1000).toFixed(1);
export const milliseconds = (value) => (value < 100 ? value.toFixed(1) : count(value));
export const percent = (value) => `${(100 * value).toFixed(1)} %`;
export const threadsOf = (threads) => `${threads} ${threads === 1 ? 'thread' : 'threads'}`;
export const modelOf = ({ vocabulary, layers, channels, heads, context }, batch) =>
  `${layers === undefined ? '' : `${layers} layers, `}${channels} channels, ${heads} heads, ` +
  `context ${context}, vocabulary ${vocabulary}, batch ${batch}`;
export const environment = ({ cpu, cores, system, node, date, commit, versions, load, seconds }) =>
  `Measured on ${cpu}, ${cores} cores, ${system}, Node ${node} (V8 ${versions.v8}), ${date}, ` +
  `commit ${commit ?? 'unknown'}; ${count(seconds)} s, load at the start ${load}.`;
export const notMeasured = (part) => `Not measured yet: run \`node bench/all.mjs --only ${part}\`.`;
