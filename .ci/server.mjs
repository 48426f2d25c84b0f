// For continuous integration: the tests of divided runs over a real nats-server, which is installed
// where it is missing and this is a Debian whose packages may be installed. Where it cannot be had
// they are skipped, and that is said: they have not passed.

import { spawnSync } from 'node:child_process';
import { fromDebian } from '../test/conformance/install.mjs';

try {
  await fromDebian(['nats-server', '/usr/sbin/nats-server'], ['nats-server']);
} catch (error) {
  console.log(`skipped: divided runs over nats-server (${error.message})`);
  process.exit(0);
}
const words = ['node_modules/vitest/vitest.mjs', 'run', '--config', 'test/vitest.config.mjs'];
const { status } = spawnSync(process.execPath, [...words, 'test/nats'], {
  stdio: 'inherit',
  env: { ...process.env, RETROGRAD_TESTS: 'all', PATH: `${process.env.PATH}:/usr/sbin` },
});
process.exitCode = status ?? 1;
