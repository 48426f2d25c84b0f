// retrograd compress PATH... -o a.rga [--model FILE]: files as an archive.

import { bytes as inBytes, percent } from '../format.ts';
import { type ArchiveFile, archiveInfo, writeArchive } from '../library.ts';
import { print, printJson } from '../reporters.ts';
import { withPixels } from './pngs.ts';
import { type Coding, codingOf, filesAt, outFile, withBar, writeOut } from './work.ts';

interface CompressValues {
  out?: string;
  force?: boolean;
  model?: string;
  json?: boolean;
}

const sizeOf = (files: readonly ArchiveFile[]): number =>
  files.reduce((sum, { bytes }) => sum + bytes.length, 0);

/** The archive, or the exit code of what ended the work. PNG files stay as they are if their pixels
 *  do not become fewer bytes than they are. */
async function archiveOf(
  files: readonly ArchiveFile[],
  { coder, colours }: Coding,
  isJson: boolean,
): Promise<Uint8Array | number> {
  const pixels = colours > 0 ? withPixels(files, colours) : files;
  const coded = await withBar('coding', sizeOf(pixels), isJson, (given) =>
    writeArchive(pixels, { ...given, coder }),
  );
  if (typeof coded === 'number' || colours === 0) return coded;
  const stored = await writeArchive(files);
  return coded.length < stored.length ? coded : stored;
}

/** The command: returns the exit code. */
export async function compress(paths: readonly string[], values: CompressValues): Promise<number> {
  const out = outFile(values.out, values.force === true, 'a.rga');
  const coding = await codingOf(values.model);
  const files = filesAt(paths);
  const total = sizeOf(files);
  const isJson = values.json === true;
  const archive = await archiveOf(files, coding, isJson);
  if (typeof archive === 'number') return archive;
  writeOut(out, archive);
  const { model } = archiveInfo(archive);
  const about = { files: files.length, bytes: total, coded: archive.length, model };
  if (isJson) printJson({ event: 'compress', out, ...about });
  else
    print(
      `${out}: ${files.length} files, ${inBytes(total)} in ${inBytes(archive.length)} ` +
        `(${percent(archive.length / Math.max(1, total))})` +
        (model === '' ? ', stored' : `, coded by model ${model.slice(0, 16)}`),
    );
  return 0;
}
