// Generated files are written only where they differ, or only looked at.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Writes the files of `made` (name -> content) that are not yet so, or with isCheck none; returns
 *  the names of those. */
export function renew(folder, made, isCheck) {
  return Object.entries(made)
    .filter(([name, content]) => {
      const file = join(folder, name);
      const isStale = !existsSync(file) || readFileSync(file, 'utf8') !== content;
      if (isStale && !isCheck) writeFileSync(file, content);
      return isStale;
    })
    .map(([name]) => name);
}
