/**
 * Ends a task from the client's side, for when a cancel cannot proceed: no worker, a node that is stuck. In this order:
 *
 *     look        Kubernetes is read first, and asked what we may: what could not be carried out ends nothing
 *     terminate   from here on nobody decides anything new; what is on the wire already meets the fence
 *     release     as everywhere (nextReleaseStep), but first each Pod is asked to end at once
 *     force       a Pod whose node has not answered in time loses its object, and with it any proof
 *     tell        what is proved, and what is not
 *
 * Every deletion names a uid that was read before Temporal said that no run of the task is open, so that nothing of a
 * task that is started later can be meant. A live worker, which may release the same objects, does no harm, nor does
 * another kill. See docs/decisions/0006-kill.md.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1Node } from '@kubernetes/client-node';
import { LIMITS } from '../contract.ts';
import { HoldfastError } from '../errors.ts';
import { ANNOTATION, isOfTask, LABEL, type RunWorld, taskLabel } from '../fence.ts';
import { isApiError } from '../kubernetes/api-error.ts';
import { tellFreed } from '../limits/tell-freed.ts';
import type { DirectKillOptions, KillReport } from './contract.ts';
import { type KillGround, refusalOf } from './ground.ts';
import { insist, mayPass } from './insist.ts';
import { PodEyes, type SeenPod } from './pod-eyes.ts';
import { reportOf } from './report.ts';
import { checkRights } from './rights.ts';
import { couldRun, endOf, isReleased, type KillStep, nextKillSteps, type Patience } from './steps.ts';
import { endWorkflow, type KillOrder, recordOf, type TaskRecord } from './workflow.ts';

/** Longer than a busy node needs: what is removed without its word cannot be proved any more. */
const WAIT_SECONDS = 30;
/** How long Kubernetes is given to clear away what was forced. Milliseconds. */
const CLEARING_MS = 5_000;
/** How long a worker that has released everything may take to tell it. Milliseconds. */
const TELLING_MS = 3_000;
/** Longest wait between two looks. Milliseconds. */
const LOOK_MS = 500;

interface Run {
  readonly name: string;
  readonly world: RunWorld;
}

interface Cleared {
  readonly left: readonly Run[];
  readonly pods: readonly SeenPod[];
}

/** @throws HoldfastError as TaskClient.kill says */
export async function kill(ground: KillGround, taskId: string, options: DirectKillOptions = {}): Promise<KillReport> {
  const killing = new Kill(ground, taskId, options);
  try {
    return await killing.carryOut();
  } catch (error) {
    throw refusalOf(error, killing.hasBegun);
  } finally {
    killing.close();
  }
}

class Kill {
  readonly #ground: KillGround;
  readonly #taskId: string;
  readonly #task: string;
  readonly #order: KillOrder;
  readonly #waitMs: number;
  readonly #signal: AbortSignal | undefined;
  #firstRunId: string | undefined;
  #eyes: PodEyes | undefined;
  /** Who keeps a slot for which run, of those that were limited. */
  readonly #limiters = new Map<string, string>();
  /** Uids of Pods whose objects it has removed without their nodes' word, or tried to. */
  readonly #forced = new Set<string>();
  /** Runs that it has terminated. */
  #terminated = 0;
  #deleted = false;
  #foundAny = false;
  /** Since the task was over in Temporal. */
  #couldRun = false;

  constructor(ground: KillGround, taskId: string, options: DirectKillOptions) {
    const {
      reason = '',
      by = ground.temporal.options.identity,
      waitSeconds = WAIT_SECONDS,
      firstRunId,
      signal,
    } = options;
    this.#ground = ground;
    this.#taskId = taskId;
    this.#task = taskLabel(ground.temporalNamespaceId, taskId);
    this.#order = { reason: reason.slice(0, LIMITS.reasonLength), by };
    this.#waitMs = waitSeconds * 1_000;
    this.#firstRunId = firstRunId;
    this.#signal = signal;
  }

  get hasBegun(): boolean {
    return this.#terminated > 0 || this.#deleted;
  }

  close(): void {
    this.#eyes?.close();
  }

  async carryOut(): Promise<KillReport> {
    const { kube, api, temporal } = this.#ground;
    this.#eyes = await insist(() => PodEyes.open(kube, api.namespace, this.#task));
    await insist(() => this.#look());
    const before = await recordOf(temporal, this.#taskId);
    this.#check(before);
    await insist(() => checkRights(this.#ground));
    this.#signal?.throwIfAborted();
    this.#firstRunId ??= before.firstRunId;
    if (before.was === 'open' && before.job !== undefined && !this.#foundAny) await this.#letTell();
    let record = await this.#endWorkflow();
    // What was seen while the task was open says nothing of what it left: it may have ended by itself since.
    this.#couldRun = false;
    let { left, pods } = await this.#clear();
    let known: number;
    do {
      known = this.#terminated;
      // A Reset may have begun another run while the one before was cleared away.
      record = await this.#endWorkflow();
      if (this.#terminated > known) ({ left, pods } = await this.#clear());
    } while (this.#terminated > known);
    await this.#tellLimiters(left);
    // A record that was deleted meanwhile does not make the task one that was forgotten.
    const { was, job } = record.was === 'forgotten' ? before : record;
    const told = this.#terminated > 0 ? 'open' : was;
    return reportOf({
      taskId: this.#taskId,
      was: told,
      couldRun: this.#couldRun,
      pods: pods.map(({ pod, gone }) => ({ pod, isTaken: gone && !this.#forced.has(pod.metadata?.uid ?? '') })),
      left: left.map(({ world }) => world),
      missing: told === 'open' && !this.#foundAny ? job : undefined,
      nodes: await this.#nodes(pods),
      waitedMs: this.#waitMs,
    });
  }

  #check({ was, job }: TaskRecord): void {
    const taskId = this.#taskId;
    if (was === 'forgotten' && !this.#foundAny)
      throw new HoldfastError('TASK_UNKNOWN', `There is no task ${taskId}, and nothing of it in Kubernetes.`, {
        taskId,
      });
    const { namespace } = this.#ground.api;
    if (job === undefined || job.namespace === namespace) return;
    throw new HoldfastError(
      'CONFIG_INVALID',
      `The Job of task ${taskId} is in namespace ${job.namespace}, and HOLDFAST_KUBE_NAMESPACE is ${namespace}; nothing was ended.`,
      { taskId },
    );
  }

  /** What a Job had is gone: a worker that has just released it is let tell the true outcome. */
  async #letTell(): Promise<void> {
    for (const until = Date.now() + TELLING_MS; Date.now() < until; await sleep(LOOK_MS))
      if ((await recordOf(this.#ground.temporal, this.#taskId)).was !== 'open') return;
  }

  #endWorkflow(): Promise<TaskRecord> {
    const { temporal } = this.#ground;
    return endWorkflow(temporal, this.#taskId, this.#firstRunId, this.#order, () => void (this.#terminated += 1));
  }

  /**
   * Until nothing is left and the watch has shown it, or until nobody has cleared it away in time. A Pod that appears
   * after that is of a Job controller that lags: it cannot mount the anchor, and says nothing of what ran.
   */
  async #clear(): Promise<Cleared> {
    const forceAt = Date.now() + this.#waitMs;
    const endAt = forceAt + CLEARING_MS;
    for (let pause = 50; ; pause = Math.min(pause * 2, LOOK_MS)) {
      this.#signal?.throwIfAborted();
      const changed = this.#eyes?.changed(pause);
      const patience: Patience = Date.now() < forceAt ? 'asking' : 'forcing';
      const left = await this.#step(patience).catch((error: unknown) => {
        // Unclear: what was asked may have been done. The next look tells.
        if (!mayPass(error) || Date.now() >= endAt) throw error;
        return undefined;
      });
      if (left !== undefined && (Date.now() >= endAt || (left.length === 0 && !this.#awaitsWord())))
        return { left, pods: this.#eyes?.all() ?? [] };
      await changed;
    }
  }

  /** One look, and what it asks for. Gives the runs of which something is left. */
  async #step(patience: Patience): Promise<readonly Run[]> {
    const runs = await this.#look();
    const steps = runs.flatMap(({ name, world }) => nextKillSteps(world, patience).map((step) => ({ name, step })));
    if (steps.length > 0) {
      // After the look: whatever it saw cannot be of a run that is younger than this answer.
      await this.#endWorkflow();
      const refusals: unknown[] = [];
      const act = ({ name, step }: (typeof steps)[number]) =>
        this.#act(name, step).catch((error: unknown) => {
          refusals.push(error);
          // It keeps the rest from nothing: it is told.
          return true;
        });
      const [pods, rest] = [steps.filter(({ step }) => isOfPod(step)), steps.filter(({ step }) => !isOfPod(step))];
      const areAsked = (await Promise.all(pods.map(act))).every(Boolean);
      // Else one gets its node just now: it is asked again before the garbage collector asks it.
      if (areAsked || patience === 'forcing') await Promise.all(rest.map(act));
      if (refusals.length > 0) throw refusals[0];
    }
    return runs.filter(({ world }) => !isReleased(world));
  }

  /** False if somebody wrote since our look, a scheduler, a worker or another kill: look again, decide again. */
  async #act(name: string, step: KillStep): Promise<boolean> {
    const { api } = this.#ground;
    this.#deleted = true;
    try {
      switch (step.do) {
        case 'delete job':
          // Foreground in any case: who kills does not save what release saves where a Job is over.
          await api.deleteJob(name, step);
          break;
        case 'delete anchor':
          await api.deleteAnchor(name, step.uid);
          break;
        case 'end pod':
          if (step.graceSeconds === 0) this.#forced.add(step.uid);
          await api.deletePod(step.name, step, undefined, step.graceSeconds);
          break;
      }
      return true;
    } catch (error) {
      if (!isApiError(error, 'conflict')) throw error;
      return false;
    }
  }

  /** A run of which something is left keeps its slot, until the limiter sees that it is gone. */
  async #tellLimiters(left: readonly Run[]): Promise<void> {
    const kept = new Set(left.map(({ name }) => name));
    const freed = [...this.#limiters].filter(([run]) => !kept.has(run));
    await Promise.all(freed.map(([run, limiter]) => tellFreed(this.#ground.temporal, limiter, run)));
  }

  /** Every run of the task, read from the API server in the order that nextReleaseStep needs: Pods last. */
  async #look(): Promise<readonly Run[]> {
    const { api } = this.#ground;
    const selector = `${LABEL.task}=${this.#task}`;
    const [anchors, jobs] = await Promise.all([api.listAnchors(selector), api.listJobs(selector)]);
    const pods = await api.listPods(selector);
    this.#eyes?.note(pods);
    for (const { metadata } of [...anchors, ...jobs]) {
      const limiter = metadata?.annotations?.[ANNOTATION.limiter];
      if (limiter !== undefined) this.#limiters.set(metadata?.labels?.[LABEL.run] ?? '', limiter);
    }
    const names = new Set([...anchors, ...jobs, ...pods].map(({ metadata }) => metadata?.labels?.[LABEL.run] ?? ''));
    const runs = [...names].map((name) => {
      const ours = <T extends (typeof anchors)[number] | (typeof jobs)[number]>(all: readonly T[]): T | undefined =>
        all.find((found) => found.metadata?.name === name && isOfTask(found, name, this.#task));
      const world = {
        anchor: ours(anchors),
        job: ours(jobs),
        pods: pods.filter((pod) => isOfTask(pod, name, this.#task)),
      };
      return { name, world };
    });
    this.#foundAny ||= runs.some(({ world: { anchor, job, pods } }) => (anchor ?? job ?? pods[0]) !== undefined);
    this.#couldRun ||= runs.some(({ world }) => couldRun(world));
    return runs;
  }

  /** Of a Pod that was seen: the watch lags behind the lists, or it came late, from a controller that lags. */
  #awaitsWord(): boolean {
    return this.#eyes?.all().some(({ pod, gone }) => !gone && endOf(pod) === 'may_run') ?? false;
  }

  /** Asked for only where it matters. Undefined if this account may not list them. */
  async #nodes(pods: readonly SeenPod[]): Promise<readonly V1Node[] | undefined> {
    if (!pods.some(({ pod }) => endOf(pod) === 'may_run')) return undefined;
    // The report must not be lost for want of this.
    const nodes = await this.#ground.api.listNodes().catch(() => []);
    return nodes.length === 0 ? undefined : nodes;
  }
}

const isOfPod = (step: KillStep): boolean => step.do === 'end pod';
