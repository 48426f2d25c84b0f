// A run as an address and back: what stands behind the # is never sent to a server.

import {
  DEFAULTS,
  NUMBERS,
  problemOf,
  RULES,
  type RuleName,
  type Settings,
  TEXTS,
  type TextName,
} from './settings.ts';

/** The parts of the page. */
export const VIEWS = ['train', 'backward', 'compare'] as const;
export type View = (typeof VIEWS)[number];

/** What an address says. */
export interface Address {
  readonly view: View;
  readonly settings: Settings;
  /** In the view Compare: what the second run has otherwise. */
  readonly other: Partial<Pick<Settings, 'rule' | 'seed'>>;
  /** One's own text, packed (pack.ts), if it is short; else its SHA-256. */
  readonly packed?: string;
  readonly textSha256?: string;
  /** SHA-256 of the weights with which the run ended where the address was made. */
  readonly digest?: string;
  /** The same of the second run. */
  readonly otherDigest?: string;
  /** The run begins as soon as the page is there. */
  readonly starts: boolean;
}

const HEX = /^[0-9a-f]{64}$/;
const PACKED = /^[\w-]+$/;

/** The settings in their one order: equal for equal runs, and what is looked up in published.json.
 */
export function canonical(settings: Settings): string {
  const { text, rule } = settings;
  const numbers = NUMBERS.map((name) => `${name}=${settings[name]}`);
  return [`text=${text}`, `rule=${rule}`, ...numbers].join('&');
}

/** What stands behind the #. */
export function toHash(address: Address): string {
  const { view, settings, other, packed, textSha256, digest, otherDigest, starts } = address;
  const more = Object.entries({
    'other.rule': other.rule,
    'other.seed': other.seed,
    own: packed,
    sha: textSha256,
    digest,
    'other.digest': otherDigest,
    start: starts ? 1 : undefined,
  }).filter(([, value]) => value !== undefined);
  const tail = more.map(([name, value]) => `&${name}=${value}`).join('');
  return `#${view}&${canonical(settings)}${tail}`;
}

/** One of some words, or what is there without it; says so if it is none of them. */
function word<T extends string>(
  given: string | null,
  known: readonly T[],
  otherwise: T,
  problems: string[],
): T {
  if (given === null || known.includes(given as T)) return (given as T | null) ?? otherwise;
  problems.push(`the address has ${given.slice(0, 40)}, expected one of ${known.join(', ')}`);
  return otherwise;
}

function numbersOf(given: URLSearchParams, problems: string[]): Partial<Settings> {
  const found: Partial<Record<string, number>> = {};
  for (const name of NUMBERS) {
    const text = given.get(name);
    if (text === null) continue;
    const value = text.trim() === '' ? Number.NaN : Number(text);
    const problem = problemOf(name, value);
    if (problem === undefined) found[name] = value;
    else problems.push(`${problem}: the address is not taken at its word`);
  }
  return found;
}

function otherOf(given: URLSearchParams, problems: string[]): Address['other'] {
  const rule = given.get('other.rule');
  const seed = given.get('other.seed');
  const found: { rule?: RuleName; seed?: number } = {};
  if (rule !== null) found.rule = word(rule, RULES, DEFAULTS.rule, problems);
  if (seed === null) return found;
  const problem = problemOf('seed', Number(seed));
  if (problem === undefined) found.seed = Number(seed);
  else problems.push(problem);
  return found;
}

/** The value of a name if it has the right form. */
function formed(given: URLSearchParams, name: string, form: RegExp, problems: string[]) {
  const value = given.get(name);
  if (value === null || form.test(value)) return value ?? undefined;
  problems.push(`${name} of the address is damaged`);
  return undefined;
}

/** What an address says, and in words what of it could not be taken. */
export function fromHash(hash: string): { address: Address; problems: string[] } {
  const problems: string[] = [];
  const [first, ...rest] = hash.replace(/^#/, '').split('&');
  const view = word(first === '' ? null : first, VIEWS, 'train', problems);
  const given = new URLSearchParams(rest.join('&'));
  const settings: Settings = {
    ...DEFAULTS,
    ...numbersOf(given, problems),
    text: word<TextName>(given.get('text'), TEXTS, DEFAULTS.text, problems),
    rule: word<RuleName>(given.get('rule'), RULES, DEFAULTS.rule, problems),
  };
  const packed = formed(given, 'own', PACKED, problems);
  const textSha256 = formed(given, 'sha', HEX, problems);
  const digest = formed(given, 'digest', HEX, problems);
  const otherDigest = formed(given, 'other.digest', HEX, problems);
  const address: Address = {
    view,
    settings,
    other: otherOf(given, problems),
    starts: given.get('start') === '1',
    ...(packed === undefined ? {} : { packed }),
    ...(textSha256 === undefined ? {} : { textSha256 }),
    ...(digest === undefined ? {} : { digest }),
    ...(otherDigest === undefined ? {} : { otherDigest }),
  };
  return { address, problems };
}
