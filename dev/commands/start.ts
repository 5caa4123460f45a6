import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { joinRunning } from '../environment.ts';
import { Obstacle } from '../obstacle.ts';
import type { Options } from '../options.ts';
import { makePlan } from '../plan.ts';
import { terminalReporter } from '../report.ts';
import type { Reporter } from '../report.ts';
import type { State } from '../state.ts';
import { bringUp, OtherWasFaster } from '../supervisor.ts';
import { nodeBinary, pathsFrom, repository } from '../system/paths.ts';
import type { Paths } from '../system/paths.ts';
import { addresses } from './up.ts';

interface Kept {
  readonly state: State;
  readonly buildMs: number;
  /** Undefined when another process keeps the environment; then leaving does not end it. */
  readonly keeper: { readonly broken: Promise<string>; stop(): Promise<void> } | undefined;
}

/** The whole thing in the foreground: environment, example, and then it stays until Ctrl-C. */
export async function start(options: Options): Promise<number> {
  const paths = pathsFrom(process.env);
  const reporter = terminalReporter();
  const asked = interruption();
  const kept = await keep(options, paths, reporter, asked);
  try {
    const work = stayingUp(kept, options, reporter, asked);
    const broken = kept.keeper?.broken.then((why) =>
      Promise.reject(new Obstacle(`${why}\nThe environment was taken down.`)),
    );
    return await (broken ? Promise.race([work, broken]) : work);
  } finally {
    if (kept.keeper) {
      const step = reporter.step('Ending the environment');
      await kept.keeper.stop();
      step.done();
    }
  }
}

async function stayingUp(kept: Kept, options: Options, reporter: Reporter, asked: Promise<string>): Promise<number> {
  const example = await runExample(kept.state, options.json, asked);
  reporter.say(afterwards(kept.state, example));
  if (options.json) console.log(JSON.stringify(summary(kept, example)));
  if (options.once) return example.exitCode;
  if (!kept.keeper) {
    reporter.say('The environment was up already and stays up; end it with `npm run down`.');
    return example.exitCode;
  }
  reporter.say('It stays up until Ctrl-C.');
  await asked;
  return 0;
}

async function keep(options: Options, paths: Paths, reporter: Reporter, asked: Promise<string>): Promise<Kept> {
  const unfinished = () => process.exit(130);
  for (;;) {
    const running = await joinRunning(options, paths, reporter);
    if (running) return { state: assertWorker(running), buildMs: 0, keeper: undefined };
    const started = Date.now();
    // While compilers run there is nothing to take down: they are tied to this process.
    let isPlanned = false;
    void asked.then(() => (isPlanned ? undefined : unfinished()));
    const plan = await makePlan({ ...options, worker: true }, paths, process.env, reporter);
    isPlanned = true;
    const buildMs = Date.now() - started;
    try {
      const keeper = await bringUp(plan, paths, process.env, reporter, asked);
      return { state: keeper.state, buildMs, keeper };
    } catch (error) {
      if (!(error instanceof OtherWasFaster)) throw error;
    }
  }
}

function assertWorker(state: State): State {
  if (state.worker !== 'none') return state;
  throw new Obstacle(
    'An environment without a worker is up, so the example would wait for ever; end it with `npm run down` first.',
  );
}

/** Resolves with the first signal that asks us to end; the second one does not wait. */
function interruption(): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let count = 0;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      count += 1;
      if (count > 2) process.exit(130);
      resolve(signal);
    });
  return promise;
}

interface Example {
  readonly taskId: string;
  readonly exitCode: number;
  readonly durationMs: number;
  readonly report: object | undefined;
}

async function runExample(state: State, json: boolean, asked: Promise<string>): Promise<Example> {
  const suite = join(repository, 'examples', 'evaluation');
  const taskId = `example-${new Date()
    .toISOString()
    .replace(/[-:]|\.\d+/g, '')
    .toLowerCase()}`;
  const command = [join(repository, 'src', 'cli', 'main.ts'), 'run', 'evaluation', '--id', taskId];
  const files = ['--problems', join(suite, 'problems.jsonl'), '--samples', join(suite, 'samples.jsonl')];
  if (!existsSync(suite)) throw new Obstacle(`The example suite is not in ${suite}; this checkout is incomplete.`);
  const started = Date.now();
  const { exitCode, stdout } = await runCli([...command, ...files, ...(json ? ['--json'] : [])], state, json, asked);
  return { taskId, exitCode, durationMs: Date.now() - started, report: lastJson(stdout) };
}

function runCli(
  args: readonly string[],
  state: State,
  capture: boolean,
  asked: Promise<string>,
): Promise<{ exitCode: number; stdout: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(nodeBinary, ['--disable-warning=ExperimentalWarning', ...args], {
      cwd: repository,
      stdio: ['inherit', capture ? 'pipe' : 'inherit', 'inherit'],
      env: { ...process.env, ...state.env },
    });
    let stdout = '';
    child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    void asked.then(() => child.kill('SIGTERM'));
    child.on('error', reject);
    child.on('close', (code) => resolve({ exitCode: code ?? 130, stdout }));
  });
}

function lastJson(text: string): Example['report'] {
  try {
    return JSON.parse(text.trim().split('\n').at(-1) ?? '');
  } catch {
    return undefined;
  }
}

const taskPage = ({ temporal }: State, taskId: string): string | undefined =>
  temporal?.ui === undefined ? undefined : `${temporal.ui}/namespaces/${temporal.namespace}/workflows/${taskId}`;

function afterwards(state: State, { taskId, exitCode, durationMs }: Example): string {
  const page = taskPage(state, taskId);
  return `
The example ${exitCode === 0 ? 'completed' : `ended with exit code ${exitCode}`} in ${(durationMs / 1000).toFixed(1)} s.${page === undefined ? '' : `\nIts story: ${page}`}

${addresses(state)}

What to try next, in another terminal:
  npx holdfast run command --id cancel-me --image ${state.images.busybox} -- sleep 600
  npx holdfast cancel cancel-me --reason "changed my mind" --wait
  npx holdfast logs ${taskId}
  npx holdfast list
`;
}

function summary(kept: Kept, example: Example): object {
  const { state } = kept;
  const installMs = Number(process.env['HOLDFAST_INSTALL_MS'] ?? 0);
  return {
    // All that the CLI says of the task, then what it cannot know.
    ...example.report,
    taskId: example.taskId,
    exitCode: example.exitCode,
    timings: { installMs, buildMs: kept.buildMs, bootMs: state.bootMs, exampleMs: example.durationMs },
    addresses: {
      temporal: state.temporal?.address,
      ui: state.temporal?.ui,
      task: taskPage(state, example.taskId),
      kubernetes: state.kubernetes?.server,
      kubeconfig: state.kubernetes?.kubeconfig,
    },
  };
}
