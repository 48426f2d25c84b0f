// The library where a program does not have the runtime's own globals, a place on a disk or the
// right to compile: test runners' realms (jest, vitest's vm pools), bundles of one file, policies,
// old Nodes.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { afterAll, describe, expect, test } from 'vitest';
import { root, run } from './project.mjs';

const index = join(root, 'dist/index.js');
mkdirSync(join(root, 'build'), { recursive: true });
/** In the house, so that its tests find vitest. */
const folder = mkdtempSync(join(root, 'build', 'realms-'));
const elsewhere = mkdtempSync(join(tmpdir(), 'realms-'));
afterAll(() => {
  for (const one of [folder, elsewhere]) rmSync(one, { recursive: true, force: true });
});

const MODEL = 'gpt({ vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 })';
/** The loss of a first step, the same everywhere. */
const LOSS = 1.3380050659179688;
/** A step of `threads` threads in the realm of `Trainer` and `gpt`; what it said, as JSON. */
const step = (threads: number): string => `
const x = Int32Array.from({ length: 16 }, (_, i) => i % 4);
let said;
try {
  const trainer = Trainer.create({ model: ${MODEL}, batch: 4, steps: 10, threads: ${threads} });
  for (let i = 0; i < 2000 && trainer.threadsNote === 'the threads are starting'; i++)
    await new Promise((resolve) => setTimeout(resolve, 10));
  const { threads, threadsNote } = trainer;
  said = { loss: trainer.step({ inputs: x, targets: x }).loss, threads, threadsNote };
  trainer.close();
} catch (error) {
  said = { name: error.name, message: error.message };
}
console.log(JSON.stringify(said));
`;
const node = (args: string[]): Record<string, unknown> => {
  const { stdout, stderr } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    timeout: 120_000,
  });
  expect(stdout, stderr).toMatch(/^\{/);
  return JSON.parse(stdout);
};

/** The library in a realm of node:vm that has some of this one's globals, as jest makes them. */
function inRealm(changed: {
  threads?: number;
  globals?: string;
  wasm?: boolean;
}): Record<string, unknown> {
  const { threads = 1, globals = '', wasm = true } = changed;
  const program = join(elsewhere, 'realm.mjs');
  writeFileSync(
    program,
    `
import { readFileSync } from 'node:fs';
import vm from 'node:vm';
const globals = {
  ArrayBuffer, Uint8Array, URL, TextDecoder, TextEncoder, performance, process, ${globals}
};
const context = vm.createContext(globals, { codeGeneration: { strings: true, wasm: ${wasm} } });
const module = new vm.SourceTextModule(readFileSync(${JSON.stringify(index)}, 'utf8'), { context });
await module.link(() => undefined);
await module.evaluate();
const { Trainer, gpt } = module.namespace;
${step(threads)}`,
  );
  return node(['--experimental-vm-modules', '--no-warnings', program]);
}

describe('a realm of its own', () => {
  test('with the ArrayBuffer of another one, as under jest', () =>
    expect(inRealm({})).toEqual({ loss: LOSS, threads: 1, threadsNote: '' }));

  test('without a place: one thread, and why', () =>
    expect(inRealm({ threads: 2 })).toEqual({
      loss: LOSS,
      threads: 1,
      threadsNote: 'no thread can be started: Invalid URL',
    }));

  test('without the right to compile WebAssembly, as by a policy of a page', () => {
    const { name, message } = inRealm({ wasm: false });
    expect(name).toBe('RetrogradError');
    expect(message).toMatch(
      /^this runtime does not take the kernels: .*code generation disallowed/,
    );
    expect(message).toMatch(/HINT: .*script-src 'wasm-unsafe-eval'/);
  });

  test('of Node 18', () =>
    expect(inRealm({ globals: "process: { versions: { node: '18.20.4' } }" })).toEqual({
      name: 'RetrogradError',
      message: 'this is Node 18.20.4, expected 20 or newer. HINT: https://nodejs.org has it',
    }));

  test.each(['vmThreads', 'vmForks'])('of vitest, pool %s', (pool) => {
    const home = join(folder, pool);
    mkdirSync(home);
    writeFileSync(
      join(home, 'one.test.mjs'),
      `
import { expect, test } from 'vitest';
import { Trainer, gpt } from ${JSON.stringify(pathToFileURL(index).href)};
test('a step', () => {
  const trainer = Trainer.create({ model: ${MODEL}, batch: 4, steps: 10 });
  const x = Int32Array.from({ length: 16 }, (_, i) => i % 4);
  expect(trainer.step({ inputs: x, targets: x }).loss).toBe(${LOSS});
});
`,
    );
    const vitest = join(root, 'node_modules/vitest/vitest.mjs');
    run(process.execPath, [vitest, 'run', '--root', home, '--pool', pool, '--maxWorkers', '1']);
  });
});

describe('threads', () => {
  const program = (name: string, before = ''): string => {
    const path = join(elsewhere, name);
    const from = JSON.stringify(pathToFileURL(index).href);
    writeFileSync(path, `${before}const { Trainer, gpt } = await import(${from});\n${step(2)}`);
    return path;
  };

  test('in Node before 20.16, which has no process.getBuiltinModule', () => {
    const path = program('old.mjs', 'process.getBuiltinModule = undefined;\n');
    expect(node([path])).toEqual({ loss: LOSS, threads: 2, threadsNote: '' });
  });

  test('in a program that is an argument of Node', () => {
    const code = readFileSync(program('argument.mjs'), 'utf8');
    expect(node(['--input-type=module', '--eval', code])).toMatchObject({ threads: 2 });
  });

  test.each(['cjs', 'iife', 'esm'] as const)(
    'in a bundle of one file (%s): one, and why',
    async (format) => {
      const outfile = join(elsewhere, `bundle.${format === 'esm' ? 'mjs' : 'cjs'}`);
      const contents = `import { Trainer, gpt } from ${JSON.stringify(index)};
(async () => {${step(2)}})();`;
      await build({
        stdin: { contents, resolveDir: root },
        bundle: true,
        platform: 'node',
        format,
        outfile,
        logLevel: 'silent',
      });
      const said = node([outfile]);
      expect(said).toMatchObject({ loss: LOSS, threads: 1 });
      expect(said.threadsNote).toMatch(
        /^(no thread can be started: Invalid URL|a thread failed: Cannot find module)/,
      );
    },
  );

  test('in a module that is a data: URL: one, and why', () => {
    const url = `data:text/javascript,${encodeURIComponent(readFileSync(index, 'utf8'))}`;
    const path = join(elsewhere, 'data.mjs');
    writeFileSync(
      path,
      `const { Trainer, gpt } = await import(${JSON.stringify(url)});\n${step(2)}`,
    );
    expect(node([path])).toEqual({
      loss: LOSS,
      threads: 1,
      threadsNote: 'no thread can be started: Invalid URL',
    });
  });
});

test('nothing in the library asks whether a built-in is of this realm', () => {
  const names = [
    /\w*Array|\w*ArrayBuffer|DataView/,
    /(?:\w*Range|Type|Syntax)?Error|Map|Set|Date|WebAssembly\.\w+/,
  ];
  const builtIn = new RegExp(`instanceof (?:${names.map(({ source }) => source).join('|')})\\b`);
  const library = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !file.startsWith('cli'),
  );
  expect(library.length).toBeGreaterThan(60);
  const found = library.filter((file) =>
    builtIn.test(readFileSync(join(root, 'src', file), 'utf8')),
  );
  expect(found).toEqual(['train/tensors.ts']); // where the answer no only costs a copy
});
