// The page.

import { buildControls } from './page/controls.ts';
import { at } from './page/dom.ts';
import { Store } from './page/store.ts';
import { TrainView } from './page/train.ts';
import { attempt, hideTrouble, showTrouble } from './page/trouble.ts';

const store = new Store(location.hash);
buildControls(store);
at('trouble-close').addEventListener('click', hideTrouble);
const train = new TrainView(store);
// another link was pasted into the address
addEventListener('hashchange', () => location.reload());
attempt(async () => {
  await train.begin();
  if (store.problems.length > 0) showTrouble(new Error(store.problems.join('; ')));
});
