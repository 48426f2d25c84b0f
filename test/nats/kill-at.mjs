// Kills the process that loads it (node --import) at a point of its work, which it finds by what
// the process does to files and says to a NATS server: the product has no hooks for it.
// RETROGRAD_KILL_AT='["before","write receipt.jsonl",2]': see crash-points.mjs.

import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { Socket } from 'node:net';
import { basename } from 'node:path';

const [when, event, time] = JSON.parse(process.env.RETROGRAD_KILL_AT);
const { fsyncSync, openSync, renameSync, truncateSync } = fs;

/** Paths of what is open, and how many bytes of what was written are safe. */
const paths = new Map();
const safe = new Map();
let seen = 0;

const sizeOf = (path) => fs.statSync(path, { throwIfNoEntry: false })?.size ?? 0;
const isDirectory = (path) => fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

/** A file's name, without what is put around that of a temporary one. */
function nameOf(path) {
  if (isDirectory(path)) return 'directory';
  return basename(`${path}`).replace(/^\.(.+)\.[0-9a-f-]{36}\.tmp$/, '$1');
}

/** Locks are left out: when the power is back theirs are old. */
function loseUnsafe() {
  for (const [path, size] of safe)
    if (!`${path}`.endsWith('.lock') && sizeOf(path) > size) truncateSync(path, size);
}

/** Does what is an event of some name; `half` does half of it. */
function happen(name, work, half) {
  const isNow = name === event && ++seen === time;
  if (isNow && when === 'within') half();
  if (!isNow || when === 'after' || when === 'power') {
    const result = work();
    if (!isNow) return result;
  }
  if (when === 'power') loseUnsafe();
  process.kill(process.pid, 'SIGKILL');
  for (;;); // it may take a moment
}

fs.openSync = (path, ...how) => {
  const handle = openSync(path, ...how);
  paths.set(handle, path);
  if (!safe.has(path) && !isDirectory(path)) safe.set(path, sizeOf(path));
  return handle;
};
fs.fsyncSync = (handle) => {
  const path = paths.get(handle);
  return happen(`sync ${nameOf(path)}`, () => {
    fsyncSync(handle);
    if (safe.has(path)) safe.set(path, sizeOf(path));
  });
};
fs.renameSync = (from, to) =>
  happen(`rename ${nameOf(from)}`, () => {
    renameSync(from, to);
    safe.set(to, safe.get(from));
    safe.delete(from);
  });
for (const name of ['writeSync', 'writeFileSync']) {
  const write = fs[name];
  fs[name] = (file, data, ...more) =>
    happen(
      `write ${nameOf(paths.get(file) ?? file)}`,
      () => write(file, data, ...more),
      () => write(file, data.slice(0, data.length >> 1)),
    );
}
syncBuiltinESMExports();

/** What is said to the server, by the subject of the first message of the kind. */
const SAID = {
  'publish manifest': /PUB rg\.\w+\.manifest /,
  'publish blob': /PUB rg\.\w+\.blob\./,
  'publish log': /PUB rg\.\w+\.log\./,
  'publish answer': /PUB _INBOX_\S+ /,
  'publish removal': /PUB \$JS\.API\.STREAM\.DELETE\./,
};
const { write } = Socket.prototype;
Socket.prototype.write = function writeOrDie(data, ...more) {
  const text = Buffer.from(data).toString('latin1');
  const [name] = Object.entries(SAID).find(([, subject]) => subject.test(text)) ?? [];
  return happen(name, () => write.call(this, data, ...more));
};
