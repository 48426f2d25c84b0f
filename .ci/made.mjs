// Makes a file of build/ again only if what it is made of has changed, which a digest beside it
// tells: both modules and the packed text take a third of a build's time.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The files of a path: itself, or what is in the folder. */
const filesOf = (path) =>
  statSync(path).isDirectory()
    ? readdirSync(path)
        .sort()
        .flatMap((name) => filesOf(join(path, name)))
    : [path];

function digestOf(sources) {
  const hash = createHash('sha256');
  for (const file of sources.flatMap(filesOf)) {
    const bytes = readFileSync(file);
    hash.update(`${file} ${bytes.length}\n`).update(bytes);
  }
  return hash.digest('hex');
}

/** Calls make(), which writes `file`, unless it is there and was made of these sources. */
export async function makeOf(file, sources, make) {
  const digest = digestOf(sources);
  const kept = `${file}.made-of`;
  if (existsSync(file) && existsSync(kept) && readFileSync(kept, 'utf8') === digest) return;
  await make();
  writeFileSync(kept, digest);
}
