import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endEnvironment, ensureUp, interruptions } from '../environment.ts';
import type { Acquired } from '../environment.ts';
import { Interrupted } from '../obstacle.ts';
import type { Options } from '../options.ts';
import { terminalReporter } from '../report.ts';
import type { Reporter } from '../report.ts';
import { pathsFrom } from '../system/paths.ts';
import type { Paths } from '../system/paths.ts';
import { run } from '../system/processes.ts';
import { ensureTestServer } from '../toolchain/maven.ts';
import { runTool } from './verify.ts';

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Every test there is, on the environment that is up or on one that lives as long as the tests. */
export async function test(options: Options, vitestArgs: readonly string[]): Promise<number> {
  const paths = pathsFrom(process.env);
  const reporter = terminalReporter();
  const testServer = await orReason(ensureTestServer(paths, reporter));
  const environment = await orReason(ensureUp(options, paths, reporter));
  // From here on an interruption ends the tests first, and then what was brought up for them.
  const interrupted = new AbortController();
  for (const signal of interruptions) process.on(signal, () => interrupted.abort());
  try {
    if ('reason' in testServer) reporter.say(`The workflow tests will fail: ${testServer.reason}`);
    if ('reason' in environment)
      reporter.say(`The cluster tests count as failed, for there is no environment: ${environment.reason}`);
    const env = testEnvironment(paths, testServer, environment);
    const projects = 'reason' in environment ? ['--project', '!cluster'] : [];
    const { code, counts } = await runVitest([...projects, ...vitestArgs], env, interrupted.signal);
    const missed = 'reason' in environment ? await countTests('cluster') : 0;
    await endOurs(environment, reporter);
    const failed = counts.failed + missed;
    const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
    console.log(`${counts.passed} passed, ${failed} failed${skipped}`);
    return code !== 0 ? code : failed > 0 || interrupted.signal.aborted ? 1 : 0;
  } finally {
    await endOurs(environment, reporter);
  }
}

type Result<T> = { readonly value: T } | { readonly reason: string };

const orReason = <T>(work: Promise<T>): Promise<Result<T>> =>
  work.then(
    (value) => ({ value }),
    (error: unknown) => {
      if (error instanceof Interrupted) throw error;
      return { reason: error instanceof Error ? error.message : String(error) };
    },
  );

const ended = new WeakSet<object>();

async function endOurs(environment: Result<Acquired>, reporter: Reporter): Promise<void> {
  if ('reason' in environment || !environment.value.isOurs || ended.has(environment)) return;
  ended.add(environment);
  const step = reporter.step('Ending the environment that the tests ran on');
  await endEnvironment(environment.value.state);
  step.done();
}

function testEnvironment(
  paths: Paths,
  testServer: Result<string | undefined>,
  environment: Result<Acquired>,
): NodeJS.ProcessEnv {
  const launcher = 'value' in testServer ? testServer.value : undefined;
  return {
    ...process.env,
    HOLDFAST_STATE_FILE: paths.stateFile,
    ...(launcher === undefined ? {} : { HOLDFAST_TEST_SERVER: launcher }),
    ...('value' in environment ? environment.value.state.env : {}),
  };
}

/** The default reporter is for the reader; the counts come from the one for machines. */
async function runVitest(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<{ code: number; counts: Counts }> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-test-'));
  const file = join(folder, 'results.json');
  try {
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
    const code = await runTool(['vitest', 'run', ...reporters, ...args], env, signal);
    return { code, counts: readCounts(file) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A file that could not be loaded has no tests to count, and must count all the same. */
function readCounts(file: string): Counts {
  try {
    const report = JSON.parse(readFileSync(file, 'utf8'));
    const suites: readonly { status: string; assertionResults: readonly unknown[] }[] = report.testResults;
    const unloaded = suites.filter(
      ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
    ).length;
    return {
      passed: report.numPassedTests,
      failed: report.numFailedTests + unloaded,
      skipped: report.numPendingTests + (report.numTodoTests ?? 0),
    };
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

async function countTests(project: string): Promise<number> {
  try {
    const { stdout } = await run('vitest', ['list', '--project', project, '--json'], { maxBuffer: 64 * 1024 ** 2 });
    return Math.max(1, JSON.parse(stdout.slice(stdout.indexOf('['))).length);
  } catch {
    return 1;
  }
}
