// A bad network between clients and a NATS server: a TCP proxy that is slow, narrow, breaks off,
// falls silent with both ends open, and repeats whole messages, which it tells by their frames.

import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Frames with a payload, whose length is the last word of their line. */
const MESSAGES = /^H?(PUB|MSG)$/i;
const LINE_FEED = '\r\n';

/** The frames of one direction: a line each, and a payload where it announces one. */
export class Frames {
  #rest = Buffer.alloc(0);

  /** Frames that are whole now. */
  take(bytes) {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    const found = [];
    for (let one = this.#next(); one !== undefined; one = this.#next()) {
      this.#rest = this.#rest.subarray(one.bytes.length);
      found.push(one);
    }
    return found;
  }

  #next() {
    const end = this.#rest.indexOf(LINE_FEED);
    if (end < 0) return undefined;
    const words = this.#rest.toString('latin1', 0, end).split(' ');
    const isMessage = MESSAGES.test(words[0]);
    const payload = isMessage ? Number(words.at(-1)) + LINE_FEED.length : 0;
    const length = end + LINE_FEED.length + payload;
    if (this.#rest.length < length) return undefined;
    return { bytes: this.#rest.subarray(0, length), isMessage };
  }
}

/** No trouble. delay: most milliseconds that a frame waits; rate: bytes a second of a direction;
 *  repeat: chance 0..1 that a message comes twice; later: most milliseconds until it does. */
const FINE = { delay: 0, rate: Infinity, repeat: 0, later: 0 };

/** A client's connection and the one to the server for it. */
class Link {
  isSilent = false;

  constructor(client, server, proxy) {
    this.ends = [client, server];
    this.proxy = proxy;
    void this.#carry(client, server);
    void this.#carry(server, client);
    for (const end of this.ends) {
      end.on('error', () => undefined); // it closes
      end.once('close', () => this.#ended());
    }
  }

  /** What one end says, frame by frame, to the other. */
  async #carry(from, to) {
    const frames = new Frames();
    try {
      for await (const bytes of from) {
        for (const frame of frames.take(bytes)) await this.#send(frame, to);
      }
    } catch {
      // broken off
    }
  }

  async #send({ bytes, isMessage }, to) {
    const { delay, rate, repeat, later } = this.proxy.weather;
    const { random } = this.proxy;
    const wait = random() * delay + (1000 * bytes.length) / rate;
    if (wait >= 1) await sleep(wait);
    this.#write(bytes, to);
    if (!isMessage || random() >= repeat) return;
    this.proxy.repeated++;
    const again = random() * later;
    if (again < 1) this.#write(bytes, to);
    else setTimeout(() => this.#write(bytes, to), again);
  }

  #write(bytes, to) {
    if (!this.isSilent && to.writable) to.write(bytes);
  }

  /** One end has closed: the other hears so, unless nothing is heard any more. */
  #ended() {
    if (this.isSilent) return;
    this.cut();
  }

  cut() {
    this.proxy.links.delete(this);
    for (const end of this.ends) if (!end.destroyed) end.resetAndDestroy();
  }
}

/** Between the clients that know its port and the server at another one. */
export class BadProxy {
  links = new Set();
  /** Messages that were repeated. */
  repeated = 0;
  #isAway = false;
  #storms = new Set();

  /** random: numbers 0..1, which decide what happens to what. */
  constructor(target, random = Math.random) {
    this.target = target;
    this.random = random;
    this.server = createServer({ allowHalfOpen: false }, (client) => this.#accept(client));
  }

  /** Resolves to its port. */
  open() {
    return new Promise((resolve) =>
      this.server.listen(0, '127.0.0.1', () => resolve(this.server.address().port)),
    );
  }

  #accept(client) {
    client.setNoDelay(true);
    if (this.#isAway) {
      client.resetAndDestroy();
      return;
    }
    const server = connect({ port: this.target, host: '127.0.0.1', noDelay: true });
    this.links.add(new Link(client, server, this));
  }

  /** Breaks connections off: both ends are told at once. */
  cut(links = [...this.links]) {
    for (const link of links) link.cut();
  }

  /** Carries nothing more, in either direction, and tells neither end: as when a cable is drawn, or
   *  a router forgets what it has promised. Who connects anew gets through. */
  silence(links = [...this.links]) {
    for (const link of links) link.isSilent = true;
  }

  /** Breaks all connections off, and refuses new ones for some milliseconds. */
  async goAway(milliseconds) {
    this.#isAway = true;
    this.cut();
    await sleep(milliseconds);
    this.#isAway = false;
  }

  /** Some weather for some milliseconds; one storm may begin while another lasts. */
  async storm(weather, milliseconds = Infinity) {
    this.#storms.add(weather);
    if (milliseconds === Infinity) return;
    await sleep(milliseconds);
    this.#storms.delete(weather);
  }

  get weather() {
    return Object.assign({}, FINE, ...this.#storms);
  }

  close() {
    this.cut();
    this.server.close();
  }
}
