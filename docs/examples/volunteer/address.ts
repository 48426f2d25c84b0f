// Where a run is, and as whom this page comes to it: from the part of the address behind the #,
// which no server is sent, and from what is typed.

/** What a volunteer was given. */
export interface Place {
  /** The server's WebSocket address. */
  readonly server: string;
  readonly run: string;
  /** The worker's name, which the server's permissions know. */
  readonly name: string;
  readonly user: string;
  readonly password: string;
}

export const FIELDS = ['server', 'run', 'name', 'user', 'password'] as const;

/** What an address says; '' where it says nothing. */
export function fromHash(hash: string): Place {
  const words = new URLSearchParams(hash.replace(/^#/, ''));
  const found = FIELDS.map((field) => [field, words.get(field) ?? '']);
  return Object.fromEntries(found) as unknown as Place;
}

/** The same without the password, which has no place on a screen. */
export const toHash = (place: Place): string =>
  new URLSearchParams(
    FIELDS.filter((field) => field !== 'password' && place[field] !== '').map((field) => [
      field,
      place[field],
    ]),
  ).toString();

const isLoopback = (host: string): boolean => /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(host);

function serverProblem(server: string): string | undefined {
  const expected = 'expected wss://host:port, or ws:// on this machine alone';
  if (server === '') return `the address of the server is missing, ${expected}`;
  try {
    const { protocol, hostname } = new URL(server);
    const isSafe = protocol === 'wss:' || (protocol === 'ws:' && isLoopback(hostname));
    if (isSafe) return undefined;
  } catch {
    // said below
  }
  return `the address of the server is ${JSON.stringify(server)}, ${expected}`;
}

/** Subjects and streams of the server have such names. */
const isName = (text: string): boolean => /^[\w-]{1,64}$/.test(text);

/** What is wrong with a place, in one sentence; undefined if nothing is. */
export function problemOf({ server, run, name }: Place): string | undefined {
  const problem = serverProblem(server);
  if (problem !== undefined) return problem;
  const wrong = Object.entries({ run, name }).find(([, value]) => !isName(value));
  if (wrong === undefined) return undefined;
  const [field, value] = wrong;
  const found = value === '' ? 'missing' : JSON.stringify(value);
  const what = field === 'run' ? 'run' : 'worker';
  return `the name of the ${what} is ${found}, expected 1 to 64 letters, digits, _ and -`;
}

/** Bytes of a limit as typed: 500 MB, 1.5 GiB, 2000000; undefined for no limit. Throws for what
 *  is none. */
export function limitOf(text: string): number | undefined {
  const word = text.trim();
  if (word === '') return undefined;
  const [, digits, unit, isBinary] = /^(\d+(?:\.\d+)?)\s*(?:([kmgt])(i?))?b?$/i.exec(word) ?? [];
  if (digits === undefined)
    throw new Error(`the limit is ${JSON.stringify(word)}, expected bytes, as in 500 MB`);
  const power = unit === undefined ? 0 : 'kmgt'.indexOf(unit.toLowerCase()) + 1;
  return Math.round(
    Number(digits) * (isBinary === undefined || isBinary === '' ? 1000 : 1024) ** power,
  );
}
