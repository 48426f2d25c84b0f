// The views of the page as tabs: the address says which one is shown; arrows go from one to the
// next.

import { VIEWS, type View } from '../address.ts';
import { at } from './dom.ts';
import type { Store } from './store.ts';
import { attempt } from './trouble.ts';

const STEPS: Readonly<Record<string, number>> = { ArrowRight: 1, ArrowLeft: -1 };

/** `entered`: what is done when a view comes to be seen. Gives what shows the address's view. */
export function tabs(
  store: Store,
  entered: Readonly<Record<View, () => unknown>>,
): { show: () => void } {
  const show = (): void => {
    const { view } = store.address;
    for (const one of VIEWS) {
      const isShown = one === view;
      at(`stage-${one}`).hidden = !isShown;
      at(`tab-${one}`).setAttribute('aria-selected', String(isShown));
      at(`tab-${one}`).tabIndex = isShown ? 0 : -1;
    }
    attempt(entered[view]);
  };
  const go = (view: View): void => {
    store.change({ view });
    show();
    at(`tab-${view}`).focus();
  };
  VIEWS.forEach((view, i) => {
    at(`tab-${view}`).addEventListener('click', () => go(view));
    at(`tab-${view}`).addEventListener('keydown', ({ key }) => {
      const step = STEPS[key];
      if (step !== undefined) go(VIEWS[(i + step + VIEWS.length) % VIEWS.length]);
    });
  });
  return { show };
}
