import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { makePlan } from './plan.ts';
import type { Plan } from './plan.ts';
import { otherWasFaster } from './supervisor.ts';
import type { Options } from './options.ts';
import { Interrupted, Obstacle } from './obstacle.ts';
import type { Reporter } from './report.ts';
import { readState } from './state.ts';
import { writeWhole } from './system/files.ts';
import type { State } from './state.ts';
import { nodeBinary, progressFile } from './system/paths.ts';
import type { Paths } from './system/paths.ts';
import { endProcess, isAlive, tail } from './system/processes.ts';

/** The environment that is up, if one is: its supervisor lives. */
export function runningState(paths: Paths): State | undefined {
  const state = readState(paths);
  return state && isAlive(state.supervisor) ? state : undefined;
}

export interface Acquired {
  readonly state: State;
  /** Whether this call brought it up, so that its caller ends what it started and nothing else. */
  readonly isOurs: boolean;
}

/** Uses the environment that is up or starting, or brings one up in the background; resolves when it is ready. */
export async function ensureUp(options: Options, paths: Paths, reporter: Reporter): Promise<Acquired> {
  for (;;) {
    const state = await joinRunning(options, paths, reporter);
    if (state) return { state, isOurs: false };
    const plan = await makePlan(options, paths, process.env, reporter);
    const started = await startSupervisor(plan, paths, reporter);
    if (started) return { state: started, isOurs: true };
  }
}

/** Gives the environment that another process keeps, when it is ready; undefined when there is none. */
export async function joinRunning(options: Options, paths: Paths, reporter: Reporter): Promise<State | undefined> {
  let said = false;
  for (; ; await delay(100)) {
    const state = runningState(paths);
    if (state === undefined) return undefined;
    if (state.phase === 'ready') return assertFits(state, options);
    if (!said) reporter.say(`An environment is ${state.phase}; waiting for it.`);
    said = true;
  }
}

function assertFits(state: State, options: Options): State {
  if (options.context === undefined || options.context === state.kubernetes?.context) return state;
  throw new Obstacle(
    `An environment on the Kubernetes context ${state.kubernetes?.context} is up, and ${options.context} was asked for; end it first with \`npm run down\`.`,
  );
}

/** Undefined when another start was faster: then there is one to join. */
async function startSupervisor(plan: Plan, paths: Paths, reporter: Reporter): Promise<State | undefined> {
  const planFile = join(paths.state, `plan-${process.pid}.json`);
  writeWhole(planFile, plan);
  try {
    const child = spawnSupervisor(paths, planFile);
    let isInterrupted = false;
    const stop = () => {
      isInterrupted = true;
      child.kill('SIGTERM');
    };
    for (const signal of interruptions) process.on(signal, stop);
    try {
      return await follow(child, paths, reporter);
    } catch (error) {
      throw isInterrupted
        ? new Interrupted('Stopped while the environment was starting; nothing of it is left.')
        : error;
    } finally {
      for (const signal of interruptions) process.off(signal, stop);
    }
  } finally {
    rmSync(planFile, { force: true });
  }
}

export const interruptions: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

function spawnSupervisor(paths: Paths, planFile: string): ChildProcess {
  mkdirSync(paths.logs, { recursive: true });
  const output = openSync(join(paths.logs, 'supervisor.log'), 'w');
  const script = join(import.meta.dirname, 'supervise.ts');
  const child = spawn(nodeBinary, ['--disable-warning=ExperimentalWarning', script, planFile], {
    detached: true,
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  child.unref();
  return child;
}

/** Shows what the supervisor reports, until it is ready or gone. */
async function follow(child: ChildProcess, paths: Paths, reporter: Reporter): Promise<State | undefined> {
  const progress = progressFile(paths, child.pid ?? 0);
  let shown = 0;
  const show = () => {
    const text = existsSync(progress) ? readFileSync(progress, 'utf8') : '';
    const lines = text.slice(shown, text.lastIndexOf('\n') + 1);
    shown += lines.length;
    for (const line of lines.split('\n').filter(Boolean)) reporter.say(line);
  };
  for (; ; await delay(50)) {
    const { exitCode, signalCode } = child;
    show();
    const state = runningState(paths);
    if (state?.phase === 'ready' && state.supervisor.pid === child.pid) {
      show();
      return state;
    }
    if (exitCode === otherWasFaster) return undefined;
    if (exitCode !== null || signalCode !== null)
      throw new Obstacle(
        `The environment did not come up. Its logs are in ${paths.logs}.\n${tail(join(paths.logs, 'supervisor.log'), 10)}`.trim(),
      );
  }
}

/** Ends the environment of that supervisor and waits until nothing of it is left. */
export async function endEnvironment(state: State): Promise<void> {
  await endProcess(state.supervisor, 30_000);
}
