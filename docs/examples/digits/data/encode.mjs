// node docs/examples/digits/data/encode.mjs FOLDER: makes optdigits.gz from optdigits.tra and
// optdigits.tes of the UCI repository, nothing lost. Inside are 65 planes of a byte an image, first
// those of the 64 pixels (0..16), then the digits, all images of .tra before those of .tes.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const PLANES = 65;

/** The planes of some lines of 65 numbers. */
function planesOf(lines) {
  const planes = Buffer.alloc(PLANES * lines.length);
  lines.forEach((line, image) => {
    line.split(',').forEach((word, plane) => {
      planes[plane * lines.length + image] = Number(word);
    });
  });
  return planes;
}

const [folder = '.'] = process.argv.slice(2);
const lines = ['optdigits.tra', 'optdigits.tes'].flatMap((name) =>
  readFileSync(join(folder, name), 'utf8').trim().split('\n'),
);
const out = join(import.meta.dirname, 'optdigits.gz');
writeFileSync(out, gzipSync(planesOf(lines), { level: 9 }));
console.log(`${lines.length} images, ${readFileSync(out).length} bytes`);
