// The parts of one step: who computes which, since when, and what they say. It decides who gets
// what next and which parts are agreed upon; it computes nothing and knows no courier.

/** Milliseconds before which nobody is called slow. */
const LEAST_BACKUP = 250;
/** A part that takes so many times the median is given to another worker too. */
const SLOW = 2;
/** Times that the median is of: the latest. */
const MOST_TIMES = 64;

/** A worker at a part. */
interface Copy {
  since: number;
  readonly upload: boolean;
  /** Its seal, once it has answered. */
  seal?: string;
}

/** Samples of a batch. */
export interface Samples {
  readonly first: number;
  readonly count: number;
}

/** A part and who is at it, by name. */
export interface Place extends Samples {
  readonly copies: Map<string, Copy>;
  /** When each worker was given it first: who asks again and again does not hold it up. */
  readonly lent: Map<string, number>;
  isDone: boolean;
}

/** The samples of a batch in so many parts, as even as can be. */
export function split(batch: number, parts: number): Samples[] {
  const at = (part: number): number => Math.floor((batch * part) / parts);
  return Array.from({ length: parts }, (_, i) => ({ first: at(i), count: at(i + 1) - at(i) }));
}

export class Board {
  private readonly places: readonly Place[];

  /** copies: workers that have to agree on a part. patience: milliseconds after which a worker that
   *  does not answer is taken for lost. times: milliseconds that parts before these took. */
  constructor(
    samples: readonly Samples[],
    private readonly copies: number,
    private readonly patience: number,
    private readonly times: number[] = [],
  ) {
    this.places = samples.map((one) => ({
      ...one,
      copies: new Map(),
      lent: new Map(),
      isDone: false,
    }));
  }

  find({ first, count }: Samples): Place | undefined {
    return this.places.find((place) => place.first === first && place.count === count);
  }

  /** Whether a worker is at a part, and not taken for lost. */
  has(worker: string, now: number): boolean {
    return this.places.some(({ copies }) => {
      const copy = copies.get(worker);
      return copy !== undefined && copy.seal === undefined && !this.isLost(copy, now);
    });
  }

  private isLost({ since, seal }: Copy, now: number): boolean {
    return seal === undefined && now - since >= this.patience;
  }

  /** The next part for a worker, noted as given; undefined if there is nothing for it now. */
  take(worker: string, now: number): (Samples & { upload: boolean }) | undefined {
    const isLost = (copy: Copy): boolean => this.isLost(copy, now);
    const alive = (place: Place): Copy[] => [...place.copies.values()].filter((c) => !isLost(c));
    const hasUpload = (place: Place): boolean => alive(place).some(({ upload }) => upload);
    // who has handed in a seal alone may be asked for the gradients, if whoever had them is gone
    const isFree = (place: Place): boolean => {
      const own = place.copies.get(worker);
      return !place.isDone && (own === undefined || isLost(own) || !hasUpload(place));
    };
    const free = this.places.filter(isFree);
    const isShort = (place: Place): boolean => alive(place).length < this.copies;
    const short = free.find((place) => isShort(place) || !hasUpload(place));
    const isLate = (place: Place): boolean =>
      alive(place).length === this.copies && this.isSlow(alive(place), now);
    const place = short ?? free.find(isLate);
    if (place === undefined) return undefined;
    const upload = !hasUpload(place) || short === undefined;
    const since = place.lent.get(worker) ?? now;
    place.lent.set(worker, since);
    place.copies.set(worker, { since, upload });
    const { first, count } = place;
    return { first, count, upload };
  }

  private isSlow(copies: readonly Copy[], now: number): boolean {
    const times = [...this.times].sort((a, b) => a - b);
    const median = times[times.length >> 1];
    if (median === undefined) return false;
    const limit = Math.max(LEAST_BACKUP, SLOW * median);
    return copies.some(({ since, seal }) => seal === undefined && now - since > limit);
  }

  /** Notes what a worker says of a part that it was given, and whether with the gradients. */
  mark({ copies }: Place, worker: string, said: Required<Omit<Copy, 'since'>>, now: number): void {
    const copy = copies.get(worker);
    if (copy === undefined) return;
    this.times.push(now - copy.since);
    if (this.times.length > MOST_TIMES) this.times.shift();
    copies.set(worker, { ...copy, ...said });
  }

  /** A worker is at no part but `holding`: what else it was given did not reach it. */
  release(worker: string, holding: (place: Place) => boolean): void {
    for (const place of this.places) {
      const copy = place.copies.get(worker);
      if (copy !== undefined && copy.seal === undefined && !holding(place))
        place.copies.delete(worker);
    }
  }

  /** A part has to be computed anew. */
  clear({ copies, lent }: Place): void {
    copies.clear();
    lent.clear();
  }

  /** A worker is gone: its parts are for others, and what it said of those that are not agreed upon
   *  is forgotten. */
  remove(worker: string): void {
    for (const { isDone, copies } of this.places) if (!isDone) copies.delete(worker);
  }
}
