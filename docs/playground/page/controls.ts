// The settings of a run as sliders, a choice of rule and a seed.

import { NUMBERS, type NumberName, problemOf, RANGES, RULES, type RuleName } from '../settings.ts';
import { at, make, say } from './dom.ts';
import type { Store } from './store.ts';
import { showTrouble } from './trouble.ts';

/** What a rule keeps, in a few words. */
const ABOUT: Readonly<Record<RuleName, string>> = {
  bdia: 'bdia – rebuilds states, one bit each kept',
  leapfrog: 'leapfrog – rebuilds states, nothing kept',
  momentum: 'momentum – rebuilds states, one word each kept',
  coupling: 'coupling – two streams, nothing kept',
  none: 'none – stores every state',
};
const HELP: Partial<Record<NumberName, string>> = {
  layers: 'blocks one after the other',
  channels: 'numbers that stand for a token',
  heads: 'a divisor of channels',
  context: 'tokens the model sees',
  batch: 'windows of text a step',
};

/** The stops of a slider, with the present value among them. */
function stopsOf(name: NumberName, value: number): number[] {
  const stops = RANGES[name].values ?? [];
  return stops.includes(value) ? [...stops] : [...stops, value].sort((a, b) => a - b);
}

function slider(store: Store, name: NumberName): HTMLElement {
  const { label } = RANGES[name];
  const input = make('input', { type: 'range', id: `set-${name}`, min: 0, step: 1 });
  const output = make('output', { for: `set-${name}` });
  let stops: number[] = [];
  const show = (): void => {
    const value = store.settings[name];
    stops = stopsOf(name, value);
    input.max = String(stops.length - 1);
    input.value = String(stops.indexOf(value));
    input.setAttribute('aria-valuetext', String(value));
    say(output, String(value));
  };
  input.addEventListener('input', () => store.set({ [name]: stops[Number(input.value)] }));
  store.hear(show);
  show();
  const title = HELP[name] === undefined ? label : `${label}: ${HELP[name]}`;
  return make(
    'div',
    { class: 'slider', title },
    make('label', { for: input.id }, label),
    output,
    input,
  );
}

function seedField(store: Store): HTMLElement {
  const input = make('input', { type: 'number', id: 'set-seed', min: 0, step: 1 });
  const show = (): void => {
    input.value = String(store.settings.seed);
  };
  input.addEventListener('change', () => {
    const problem = problemOf('seed', input.valueAsNumber);
    if (problem === undefined) return store.set({ seed: input.valueAsNumber });
    showTrouble(new Error(problem));
    show();
  });
  store.hear(show);
  show();
  return make('div', { class: 'field' }, make('label', { for: input.id }, 'seed'), input);
}

function ruleField(store: Store): HTMLElement {
  const options = RULES.map((rule) => make('option', { value: rule }, ABOUT[rule]));
  const select = make('select', { id: 'set-rule' }, ...options);
  const show = (): void => {
    select.value = store.settings.rule;
  };
  select.addEventListener('change', () => store.set({ rule: select.value as RuleName }));
  store.hear(show);
  show();
  return make('div', { class: 'field' }, make('label', { for: select.id }, 'update rule'), select);
}

/** Fills #controls. */
export function buildControls(store: Store): void {
  const sliders = NUMBERS.filter((name) => RANGES[name].values !== undefined);
  at('controls').append(
    ...sliders.map((name) => slider(store, name)),
    ruleField(store),
    seedField(store),
  );
}

/** While a run goes, its settings stay. */
export function lockControls(isLocked: boolean): void {
  for (const element of document.querySelectorAll<HTMLInputElement>(
    '#setup input, #setup select, #setup textarea',
  ))
    element.disabled = isLocked;
}
