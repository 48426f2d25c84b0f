// npm test, after .ci/setup.mjs: checks the types, runs every test, and says `N passed, N failed`
// on its last line. The exit code is the verdict. A run without a single test is a failure.
// Arguments go to vitest: npm test -- test/cli. With --all (npm run test:all) also what would make
// it longer than ten minutes.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Runs a tool of node_modules in the foreground; true if it exits with 0. */
function run(tool, ...words) {
  return (
    spawnSync(process.execPath, [join(root, 'node_modules', tool), ...words], {
      cwd: root,
      stdio: 'inherit',
    }).status === 0
  );
}

/** Counts of vitest's report. A file that failed before its first test counts as one failure. */
function countTests(report) {
  const tests = report.testResults.flatMap((file) => file.assertionResults);
  const broken = report.testResults.filter(
    (file) =>
      file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  );
  for (const file of broken) console.log(`failed to run: ${file.name}: ${file.message}`);
  const of = (status) => tests.filter((test) => test.status === status).length;
  return {
    passed: of('passed'),
    failed: of('failed') + broken.length,
    skipped: tests.length - of('passed') - of('failed'),
  };
}

function verdict(passed, failed) {
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
}

function main() {
  const words = process.argv.slice(2).filter((word) => word !== '--all');
  if (words.length < process.argv.length - 2) process.env.RETROGRAD_TESTS = 'all';
  if (!run('typescript/bin/tsc', '--noEmit')) return verdict(0, 1);
  const folder = mkdtempSync(join(tmpdir(), 'retrograd-test-'));
  try {
    const output = join(folder, 'report.json');
    const isGreen = run(
      'vitest/vitest.mjs',
      'run',
      '--config',
      'test/vitest.config.mjs',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${output}`,
      ...words,
    );
    let report;
    try {
      report = JSON.parse(readFileSync(output, 'utf8'));
    } catch {
      console.log('vitest wrote no report');
      return verdict(0, 1);
    }
    const { passed, failed, skipped } = countTests(report);
    if (skipped > 0) console.log(`${skipped} skipped`);
    if (passed + failed === 0) console.log('no test ran');
    const isSilent = passed + failed === 0 || (!isGreen && failed === 0);
    return verdict(passed, isSilent ? 1 : failed);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

main();
