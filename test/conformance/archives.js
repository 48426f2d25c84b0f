// Golden archives decoded, and written again, as one digest: every runtime reads what another wrote
// and writes the same bytes.

import { GOLDEN } from '../golden/codec.js';

const bytesOf = (digits) =>
  Uint8Array.from({ length: digits.length / 2 }, (_, i) =>
    Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16),
  );

/** SHA-256 of the names and bytes of the files of all archives; of those that are other bytes when
 *  they are written again the name, too. `library`: what has sha256Hex; `codec`: the codec's entry.
 */
export async function archivesDigest({ sha256Hex }, codec) {
  const files = Object.fromEntries(
    Object.entries(GOLDEN).map(([name, digits]) => [name, bytesOf(digits)]),
  );
  const messages = codec.messageCoder(codec.MessageModel.read(files['model-1.rgm']));
  const images = codec.imageCoder(await codec.ImageModel.read(files['images-1.rgc']));
  const found = [];
  for (const [name, coder] of [
    ['stored-1.rga', undefined],
    ['coded-1.rga', messages],
    ['images-1.rga', images],
  ]) {
    const read = await codec.readArchive(files[name], { coders: [messages, images] });
    for (const file of read) found.push(`${file.name} ${await sha256Hex(file.bytes)}`);
    const written = await codec.writeArchive(read, { coder });
    if (written.join() !== files[name].join()) found.push(`${name} is written otherwise`);
  }
  const text = found.join('\n');
  return sha256Hex(Uint8Array.from(text, (character) => character.charCodeAt(0)));
}
