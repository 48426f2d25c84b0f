// What papers.test.ts asks of each of the papers' systems, in whatever runtime is here.

import { checkLayer, checkRule } from 'retrograd/verify';

/** What `work` gives, or what it throws as text. */
async function attempt(work) {
  try {
    return await work();
  } catch (error) {
    return String(error);
  }
}

/** `work` of every entry, one after the other. */
async function each(entries, work) {
  const found = {};
  for (const [name, value] of Object.entries(entries))
    found[name] = await attempt(() => work(value));
  return found;
}

/** Looks at a system by its test.mjs: its layers, rules and facts, and its short run. */
export async function look({ layers, rules = {}, facts, brief }) {
  return {
    layers: await each(layers, ([layer, options]) => checkLayer(layer, options).cosines),
    rules: await each(rules, (rule) => checkRule(rule).rebuilt > 0),
    facts: await each(facts, (fact) => fact()),
    digests: await each({ whole: {}, parts: { microBatch: 1 } }, brief),
  };
}
