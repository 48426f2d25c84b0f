// The page.

import { at } from '../../playground/page/dom.ts';
import { hideTrouble } from '../../playground/page/trouble.ts';
import { VolunteerView } from './page/view.ts';

at('trouble-close').addEventListener('click', hideTrouble);
new VolunteerView().begin();
// another link was pasted into the address
addEventListener('hashchange', () => location.reload());
