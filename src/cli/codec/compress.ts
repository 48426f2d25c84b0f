// retrograd compress PATH... -o a.rga [--model m.rgm]: files as an archive.

import { bytes as inBytes, percent } from '../format.ts';
import { archiveInfo, writeArchive } from '../library.ts';
import { print, printJson } from '../reporters.ts';
import { coderOf, filesAt, outFile, withBar, writeOut } from './work.ts';

interface CompressValues {
  out?: string;
  force?: boolean;
  model?: string;
  json?: boolean;
}

/** The command: returns the exit code. */
export async function compress(paths: readonly string[], values: CompressValues): Promise<number> {
  const out = outFile(values.out, values.force === true, 'a.rga');
  const coder = coderOf(values.model);
  const files = filesAt(paths);
  const total = files.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const isJson = values.json === true;
  const archive = await withBar('coding', total, isJson, (given) =>
    writeArchive(files, { ...given, coder }),
  );
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
