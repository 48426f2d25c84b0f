// What the page shows, as its address says it. Whoever changes it goes through here.

import { type Address, fromHash, toHash } from '../address.ts';
import type { Settings } from '../settings.ts';

/** What an address says of the run before. */
const NOT_ITS_OWN = { digest: undefined, otherDigest: undefined, starts: false };

type Hear = (address: Address) => void;

export class Store {
  private current: Address;
  private readonly ears: Hear[] = [];
  /** What of the address could not be taken, in words. */
  readonly problems: readonly string[];

  constructor(hash: string) {
    const { address, problems } = fromHash(hash);
    this.current = address;
    this.problems = problems;
  }

  get address(): Address {
    return this.current;
  }

  get settings(): Settings {
    return this.current.settings;
  }

  hear(ear: Hear): void {
    this.ears.push(ear);
  }

  change(change: Partial<Address>): void {
    this.current = { ...this.current, ...change };
    history.replaceState(null, '', toHash(this.current));
    for (const ear of this.ears) ear(this.current);
  }

  /** Another run: a digest of the one before is not its own. */
  set(change: Partial<Settings>): void {
    const settings = { ...this.settings, ...change };
    this.change({ settings, ...NOT_ITS_OWN });
  }

  /** The whole address of the page, as a link. */
  link(more: Partial<Address> = {}): string {
    return new URL(toHash({ ...this.current, ...more }), location.href).href;
  }
}
