// Compiles a kernel that is outside of the library as the library's own are: with the options of
// asconfig.json and of one of its targets, 'release' or 'checked'.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import asc from 'assemblyscript/asc';

const ROOT = join(import.meta.dirname, '../../..');

/** Words of the command line for options. */
const words = (options) =>
  Object.entries(options)
    .flatMap(([name, value]) => [value].flat().map((one) => [name, one]))
    .filter(([, one]) => one !== false)
    .flatMap(([name, one]) => (one === true ? [`--${name}`] : [`--${name}`, String(one)]));

/** The module of a file of AssemblyScript, whose path is from the root of the repository. `more`:
 *  options of the compiler instead of those. */
export async function compile(file, target, more = {}) {
  const { options, targets } = JSON.parse(readFileSync(join(ROOT, 'asconfig.json'), 'utf8'));
  const { textFile: _, ...own } = targets[target];
  const folder = mkdtempSync(join(tmpdir(), 'retrograd-kernel-'));
  try {
    const outFile = join(folder, 'kernel.wasm');
    const given = words({ ...options, ...own, ...more, outFile, baseDir: ROOT, config: 'none' });
    const { error, stderr } = await asc.main([file, ...given]);
    if (error) throw new Error(`${file} does not compile\n${stderr}`);
    return new Uint8Array(readFileSync(outFile));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
