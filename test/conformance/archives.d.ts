import type * as Codec from '../../src/codec/index.ts';

export function archivesDigest(
  library: { sha256Hex(bytes: Uint8Array): Promise<string> },
  codec: Pick<
    typeof Codec,
    'ImageModel' | 'imageCoder' | 'MessageModel' | 'messageCoder' | 'readArchive' | 'writeArchive'
  >,
): Promise<string>;
