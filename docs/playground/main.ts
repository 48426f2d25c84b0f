// The page.

import { BackwardView } from './page/backward.ts';
import { CompareView } from './page/compare.ts';
import { buildControls } from './page/controls.ts';
import { at } from './page/dom.ts';
import { Store } from './page/store.ts';
import { tabs } from './page/tabs.ts';
import { TrainView } from './page/train.ts';
import { attempt, hideTrouble, showTrouble } from './page/trouble.ts';

const store = new Store(location.hash);
at('trouble-close').addEventListener('click', hideTrouble);
const train = new TrainView(store); // the worker begins to load
buildControls(store);
const backward = new BackwardView(store, train);
const compare = new CompareView(store, train);
const nothing = (): void => undefined;
const { show } = tabs(store, {
  train: nothing,
  backward: () => backward.enter(),
  compare: nothing,
});
// another link was pasted into the address
addEventListener('hashchange', () => location.reload());
attempt(async () => {
  const begun = train.begin();
  show();
  await begun;
  const { starts, view } = store.address;
  if (starts && view === 'compare') await compare.race();
  if (store.problems.length > 0) showTrouble(new Error(store.problems.join('; ')));
});
