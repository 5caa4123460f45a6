import { mkdirSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from './cluster/control-plane.ts';
import { Interrupted, Obstacle } from './obstacle.ts';
import { clearLeftovers } from './leftovers.ts';
import { startKubernetes } from './kubernetes.ts';
import { Parts } from './parts.ts';
import type { PartFailure } from './parts.ts';
import type { Plan } from './plan.ts';
import type { Reporter } from './report.ts';
import { seconds } from './report.ts';
import { readState, writeState } from './state.ts';
import { writeWhole } from './system/files.ts';
import type { KubernetesState, State, TemporalState } from './state.ts';
import { waitForLock } from './system/lock.ts';
import { nodeBinary, progressFile, repository } from './system/paths.ts';
import type { Paths } from './system/paths.ts';
import { identify, isAlive } from './system/processes.ts';
import { assertFree } from './system/ports.ts';
import type { PortName } from './system/ports.ts';
import { ownProfile, startTemporal } from './temporal.ts';
import { WORKER_ARGS, WORKER_ENVIRONMENT } from './worker-command.ts';

/** A running environment, and this process answers for it. */
export interface Environment {
  readonly state: State;
  /** Resolves with a sentence when a part has died and all was torn down. */
  readonly broken: Promise<string>;
  /** Kills parts, by their names in the state, as a power cut does; the rest goes on without them. */
  kill(...parts: readonly string[]): Promise<void>;
  /** Starts parts again that were killed, on the data that they left. */
  restart(...parts: readonly string[]): void;
  stop(): Promise<void>;
}

/** The exit code of a supervisor that found another one at work. */
export const otherWasFaster = 75;

export class OtherWasFaster extends Error {}

/** Brings everything up under the environment's lock; whatever fails, or whoever asks it to end, nothing of it stays. */
export async function bringUp(
  plan: Plan,
  paths: Paths,
  env: NodeJS.ProcessEnv,
  reporter: Reporter,
  asked: Promise<string>,
): Promise<Environment> {
  let isAsked = false;
  void asked.then(() => (isAsked = true));
  const lock = await waitForLock(paths.lock, () => {
    if (isAsked) throw new Interrupted('Stopped while waiting for another environment to end.');
    if (isOtherUp(paths)) throw new OtherWasFaster();
  });
  const supervision = new Supervision(plan, paths, env, reporter);
  const release = async () => {
    await supervision.tearDown();
    lock.release();
  };
  try {
    const interrupted = asked.then((signal) => Promise.reject(new Interrupted(`Stopped by ${signal} while starting.`)));
    await Promise.race([supervision.start(), interrupted]);
  } catch (error) {
    await release();
    throw error;
  }
  const broken = supervision.failure.then(async (failure) => {
    await release();
    return describe(failure);
  });
  return {
    state: supervision.state,
    broken,
    kill: (...parts) => supervision.kill(parts),
    restart: (...parts) => supervision.restart(parts),
    stop: release,
  };
}

function isOtherUp(paths: Paths): boolean {
  const state = readState(paths);
  return state !== undefined && state.phase !== 'stopping' && isAlive(state.supervisor);
}

export function describe({ name, how, log }: PartFailure): string {
  return `${name} ended unexpectedly (${how}). The last lines of its log:\n${log.replace(/^/gm, '  ')}`;
}

class Supervision {
  state: State;
  readonly failure: Promise<PartFailure>;
  private readonly parts: Parts;
  private readonly plan: Plan;
  private readonly paths: Paths;
  private readonly env: NodeJS.ProcessEnv;
  private readonly reporter: Reporter;
  private isClosed = false;
  private ending: Promise<void> | undefined;
  private readonly startedAt = Date.now();

  constructor(plan: Plan, paths: Paths, env: NodeJS.ProcessEnv, reporter: Reporter) {
    this.plan = plan;
    this.paths = paths;
    this.env = env;
    this.reporter = reporter;
    const failure = Promise.withResolvers<PartFailure>();
    this.failure = failure.promise;
    this.parts = new Parts(paths.logs, env, failure.resolve);
    this.state = this.initialState();
  }

  async start(): Promise<void> {
    const found = await clearLeftovers(this.paths);
    this.assertGoing();
    if (found.length > 0) this.reporter.say(`Cleared what an earlier environment had left: ${found.join(', ')}.`);
    await assertFree(this.plan.ports, this.neededPorts());
    this.assertGoing();
    for (const folder of [this.paths.logs, this.paths.taskLogs]) mkdirSync(folder, { recursive: true });
    this.removeOldReports();
    this.update({});
    await this.orFailure(Promise.all([this.startTemporal(), this.startKubernetes()]));
    this.update({ env: this.environmentVariables() });
    writeWhole(this.paths.envFile, this.state.env);
    if (this.plan.worker) await this.orFailure(this.startWorker());
    this.reporter.say(`The environment is ready (${seconds(this.startedAt)}).`);
    this.update({ phase: 'ready', bootMs: Date.now() - this.startedAt });
  }

  /** The end may be asked for while the start is at work: then the start must not write into what is being cleared. */
  private assertGoing(): void {
    if (this.ending) throw new Error('the environment is ending');
  }

  async kill(parts: readonly string[]): Promise<void> {
    await this.parts.kill(parts);
    this.update({});
  }

  restart(parts: readonly string[]): void {
    this.parts.restart(parts);
    this.update({});
  }

  tearDown(): Promise<void> {
    this.ending ??= this.tearDownOnce();
    return this.ending;
  }

  private async tearDownOnce(): Promise<void> {
    this.update({ phase: 'stopping' });
    this.isClosed = true;
    this.parts.expectEnd();
    await this.parts.end('worker', 10_000);
    await this.parts.end('temporal', 2_000);
    // The rest keeps nothing that is worth an orderly end, and the kernel takes the containers with the node.
    await this.parts.end('node-init', 0);
    await this.parts.killAll();
    await clearLeftovers(this.paths);
  }

  private async startTemporal(): Promise<void> {
    const step = this.reporter.step('Starting Temporal');
    const temporal: TemporalState = await startTemporal(this.plan, this.paths, (part) => this.startPart(part));
    this.update({ temporal });
    step.done(temporal.ui ?? temporal.address);
  }

  private async startKubernetes(): Promise<void> {
    const step = this.reporter.step('Starting Kubernetes');
    const start = (part: Command) => this.startPart(part);
    const adopt = (name: string, pid: number) => this.parts.adopt(name, pid);
    const kubernetes: KubernetesState = await startKubernetes(this.plan, this.paths, { start, adopt });
    this.update({ kubernetes });
    step.done(`${kubernetes.server ?? kubernetes.context}, containers are ${kubernetes.containers}`);
  }

  private removeOldReports(): void {
    const mine = basename(progressFile(this.paths, process.pid));
    const old = readdirSync(this.paths.logs).filter((name) => /^environment-\d+\.log$/.test(name) && name !== mine);
    for (const name of old) rmSync(join(this.paths.logs, name), { force: true });
  }

  private startPart(part: Command) {
    rmSync(join(this.paths.logs, `${part.name}.log`), { force: true });
    const identity = this.parts.start(part);
    this.update({});
    return identity;
  }

  private async startWorker(): Promise<void> {
    const step = this.reporter.step('Starting the worker');
    rmSync(join(this.paths.logs, 'worker.log'), { force: true });
    this.runWorker(0);
    await this.untilWorkerReady();
    step.done();
  }

  /** A worker that ends is started again: the promise must hold across its death, so the environment outlives it. */
  private runWorker(restarts: number): void {
    const started = Date.now();
    this.update({ worker: 'starting' });
    const worker = { name: 'worker', command: [nodeBinary, ...WORKER_ARGS], cwd: repository };
    this.parts.start(worker, { ...WORKER_ENVIRONMENT, ...this.state.env }, (how) => {
      const inARow = Date.now() - started > 30_000 ? 0 : restarts;
      const wait = Math.min(200 * 2 ** inARow, 10_000);
      this.reporter.say(
        `The worker ended (${how}); starting it again in ${wait} ms. Its log: ${this.parts.logs()['worker']}`,
      );
      void delay(wait).then(() => (this.ending ? undefined : this.runWorker(inARow + 1)));
    });
    this.update({});
    if (restarts > 0) void this.untilWorkerReady().catch((error: unknown) => this.reporter.say(String(error)));
  }

  private async untilWorkerReady(): Promise<void> {
    const log = join(this.paths.logs, 'worker.log');
    const from = statSync(log, { throwIfNoEntry: false })?.size ?? 0;
    for (const end = Date.now() + 60_000; !this.ending; await delay(50)) {
      if (readFileSync(log).subarray(from).includes('worker ready')) return this.update({ worker: 'ready' });
      if (Date.now() > end) throw new Error(`the worker did not say that it is ready within 60 s; its log: ${log}`);
    }
  }

  private environmentVariables(): Record<string, string> {
    const { temporal, kubernetes, images } = this.state;
    return {
      ...this.temporalProfile(),
      ...(temporal ? { TEMPORAL_ADDRESS: temporal.address, TEMPORAL_NAMESPACE: temporal.namespace } : {}),
      ...(kubernetes
        ? {
            KUBECONFIG: kubernetes.kubeconfig,
            HOLDFAST_KUBE_CONTEXT: kubernetes.context,
            HOLDFAST_KUBE_NAMESPACE: kubernetes.namespace,
          }
        : {}),
      HOLDFAST_LOG_DIR: this.paths.taskLogs,
      HOLDFAST_PYTHON_IMAGE: images.python,
    };
  }

  /** What else tells how to reach the server: where it is said, never the secrets themselves. */
  private temporalProfile(): Record<string, string> {
    if (this.plan.temporal.kind === 'local') return { TEMPORAL_CONFIG_FILE: ownProfile(this.paths.temporal) };
    const names = ['TEMPORAL_PROFILE', 'TEMPORAL_CONFIG_FILE'];
    return Object.fromEntries(names.flatMap((name) => (this.env[name] ? [[name, this.env[name]]] : [])));
  }

  /** While we wait for one part, another may die: then the wait is over, and that death is the reason to tell. */
  private async orFailure(work: Promise<unknown>): Promise<void> {
    const failed = this.failure.then((failure) => Promise.reject(new Obstacle(describe(failure))));
    const patient = work.catch((error: unknown) => delay(300).then(() => Promise.reject(error)));
    await Promise.race([patient, failed]);
  }

  private neededPorts(): readonly PortName[] {
    const temporal: readonly PortName[] = this.plan.temporal.kind === 'local' ? ['TEMPORAL', 'TEMPORAL_UI'] : [];
    if (this.plan.kubernetes.kind === 'existing') return temporal;
    return [...temporal, 'KUBERNETES', 'KUBELET'];
  }

  private initialState(): State {
    const supervisor = identify(process.pid);
    if (supervisor === undefined) throw new Error('this process cannot find itself in the process table');
    return {
      phase: 'starting',
      supervisor,
      startedAt: new Date().toISOString(),
      bootMs: undefined,
      temporal: undefined,
      kubernetes: undefined,
      images: this.plan.images,
      worker: this.plan.worker ? 'starting' : 'none',
      processes: {},
      logs: {},
      env: {},
    };
  }

  private update(change: Partial<State>): void {
    if (this.isClosed) return;
    this.state = { ...this.state, ...change, processes: this.parts.processes(), logs: this.parts.logs() };
    writeState(this.paths, this.state);
  }
}
