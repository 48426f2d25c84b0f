// npm run check, after .ci/setup.mjs: format, lints and types of everything, in a few seconds.
// Which folder imports which and the sizes of files are in test/architecture.test.ts.

import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const TOOLS = [
  ['@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.'],
  ['prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', 'assembly'],
  ['typescript/bin/tsc', '--noEmit'],
  ['typescript/bin/tsc', '--noEmit', '-p', 'docs/playground'],
  ['typescript/bin/tsc', '--noEmit', '-p', 'docs/examples/digits'],
  ['typescript/bin/tsc', '--noEmit', '-p', 'docs/examples/volunteer'],
];

for (const [tool, ...words] of TOOLS) {
  const path = join(root, 'node_modules', tool);
  const { status } = spawnSync(process.execPath, [path, ...words], { cwd: root, stdio: 'inherit' });
  if (status === 0) continue;
  console.error(`${tool.split('/')[0]} found something; npm run format mends what is layout`);
  process.exitCode = 1;
}
