// Two sets of made-up messages, a function of a seed: JSON rows as an event store of a shop keeps
// them (200 to 2,000 bytes) and log lines (nginx, a service's own, syslog). What is random in such
// rows in the world is random here: identifiers, addresses, times, amounts. No data of anybody's.

import * as words from './words.mjs';

/** Draws of a seed (mulberry32). */
export function draws(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  };
  const below = (count) => next() % count;
  /** One of some, the first ones more often, as words are. */
  const common = (list) => list[Math.min(below(list.length), below(list.length))];
  const pick = (list) => list[below(list.length)];
  const digits = (count, of = '0123456789abcdef') =>
    Array.from({ length: count }, () => of[below(of.length)]).join('');
  return { below, common, pick, digits };
}

const pad = (value, length = 2) => String(value).padStart(length, '0');
const DAYS = 365;

/** A time of a year. */
function time({ below }) {
  return new Date(Date.UTC(2026, 0, 1 + below(DAYS), below(24), below(60), below(60), below(1000)));
}

const address = ({ below, pick }) =>
  `${pick([10, 37, 46, 62, 77, 84, 91, 185, 192, 203])}.${below(256)}.${below(256)}.${below(256)}`;
const agent = (random) =>
  random
    .common(words.AGENTS)
    .replaceAll('{v}', String(118 + random.below(8)))
    .replaceAll('{m}', String(random.below(6)));

function user(random) {
  const [first, last] = [random.common(words.FIRST), random.common(words.LAST)];
  const city = random.below(words.CITIES.length);
  const number = random.below(3) === 0 ? random.below(100) : '';
  const email = `${first}.${last}${number}@${random.common(words.DOMAINS)}`.toLowerCase();
  return {
    id: 100000 + random.below(900000),
    name: `${first} ${last}`,
    email,
    city: words.CITIES[city],
    country: words.COUNTRIES[Math.floor((city * words.COUNTRIES.length) / words.CITIES.length)],
    premium: random.below(4) === 0,
  };
}

function item(random) {
  const [adjective, noun] = [random.pick(words.ADJECTIVES), random.common(words.NOUNS)];
  const colour = random.common(words.COLOURS);
  return {
    sku: `${noun.slice(0, 3)}-${colour.slice(0, 2)}-${pad(random.below(1000), 3)}`.toUpperCase(),
    title: `${adjective[0].toUpperCase()}${adjective.slice(1)} ${noun}, ${colour}`,
    quantity: 1 + Math.min(random.below(5), random.below(5)),
    price: (499 + 100 * random.below(120) + 50 * random.below(2)) / 100,
  };
}

/** A row of an event store, 200 to 2,000 bytes. */
function row(random) {
  const type = random.common(words.EVENTS);
  const session = { ip: address(random), agent: agent(random), ms: 3 + random.below(900) };
  const event = {
    id: `evt_${random.digits(12)}`,
    type,
    created: time(random).toISOString(),
    user: user(random),
    session,
  };
  if (/^(order|cart|refund)/.test(type)) {
    const items = Array.from({ length: 1 + random.below(5) }, () => item(random));
    const cents = items.reduce(
      (sum, each) => sum + Math.round(each.price * 100) * each.quantity,
      0,
    );
    Object.assign(event, {
      items,
      total: cents / 100,
      currency: random.common(['EUR', 'USD', 'GBP']),
    });
  }
  if (/^(page|search)/.test(type)) event.path = random.common(words.PATHS);
  if (/^(ticket|refund|order)/.test(type) && random.below(2) === 0)
    event.note = random.common(words.NOTES);
  return JSON.stringify(event);
}

function nginx(random) {
  const when = time(random);
  const month = when.toUTCString().slice(8, 11);
  const stamp = `${pad(when.getUTCDate())}/${month}/2026:${when.toISOString().slice(11, 19)} +0000`;
  const method = random.common(['GET', 'GET', 'POST', 'PUT', 'DELETE']);
  const path = random.common(words.PATHS);
  const query = random.below(3) === 0 ? `?id=${random.below(100000)}` : '';
  const status = random.common([200, 200, 200, 304, 301, 404, 500, 403]);
  const from =
    random.below(2) === 0 ? '-' : `https://shop.example.com${random.common(words.PATHS)}`;
  return (
    `${address(random)} - - [${stamp}] "${method} ${path}${query} HTTP/1.1" ${status} ` +
    `${random.below(60000)} "${from}" "${agent(random)}"`
  );
}

function service(random) {
  const name = random.common(words.SERVICES);
  const level = random.common(['INFO', 'INFO', 'DEBUG', 'WARN', 'ERROR']);
  const text = random.pick([
    () => `request completed path=${random.common(words.PATHS)} status=200 ms=${random.below(900)}`,
    () => `retrying job ${random.digits(8)} attempt ${1 + random.below(5)} of 5`,
    () => `cache miss for key user:${100000 + random.below(900000)}:profile`,
    () =>
      `connection to ${random.common(words.HOSTS)}:5432 timed out after ${random.below(30)}000 ms`,
    () => `queue depth is ${random.below(5000)}, consumers ${1 + random.below(16)}`,
    () => `user ${100000 + random.below(900000)} signed in from ${address(random)}`,
    () => `sent mail "order shipped" to ${user(random).email}`,
  ])();
  return `${time(random).toISOString()} ${level} [${name}] trace=${random.digits(8)} ${text}`;
}

/** A number below `count`, as processes and ports have. */
const pid = ({ below }) => below(32768);
const port = ({ below }) => 1024 + below(64000);

function syslog(random) {
  const when = time(random);
  const clock = when.toISOString().slice(11, 19);
  const stamp = `${when.toUTCString().slice(8, 11)} ${pad(when.getUTCDate())} ${clock}`;
  const { below, pick, common } = random;
  const text = pick([
    () =>
      `sshd[${pid(random)}]: Accepted publickey for deploy from ${address(random)} ` +
      `port ${port(random)} ssh2`,
    () =>
      `sshd[${pid(random)}]: Failed password for invalid user admin from ${address(random)} ` +
      `port ${port(random)} ssh2`,
    () => `CRON[${pid(random)}]: (root) CMD (/usr/lib/shop/rotate --keep ${below(30)})`,
    () =>
      `kernel: [${below(900000)}.${pad(below(1000000), 6)}] TCP: request_sock_TCP: ` +
      'Possible SYN flooding on port 443. Sending cookies.',
    () =>
      `systemd[1]: ${pick(['Started', 'Stopping', 'Reloaded'])} ` +
      `${common(words.SERVICES)}.service - Shop ${common(words.SERVICES)}.`,
  ])();
  return `${stamp} ${common(words.HOSTS)} ${text}`;
}

const line = (random) => random.pick([nginx, service, syslog])(random);

/** So many JSON rows of 200 to 2,000 bytes. */
export function jsonRows(count, seed = 1) {
  const random = draws(seed);
  const rows = [];
  while (rows.length < count) {
    const text = row(random);
    if (text.length >= 200 && text.length <= 2000) rows.push(text);
  }
  return rows;
}

/** So many log lines. */
export function logLines(count, seed = 2) {
  const random = draws(seed);
  return Array.from({ length: count }, () => line(random));
}
