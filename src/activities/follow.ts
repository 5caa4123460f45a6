import { activityInfo, getClient, log } from '@temporalio/activity';
import type { CoreV1Event, V1Job, V1Pod } from '@kubernetes/client-node';
import {
  type AnchorRef,
  type Ending,
  followQueue,
  type JobRef,
  type Problem,
  type Progress,
  SIGHTING_SIGNAL,
  type Sighting,
} from '../contract.ts';
import { HoldfastError } from '../errors.ts';
import { isEnding, isOwnedBy, isTerminal, taskLabel } from '../fence.ts';
import { type Diagnosis, diagnose, diagnoseSuspension, latest } from '../kubernetes/diagnosis.ts';
import { Crowd, type Pace } from './crowd.ts';
import type { Deps } from './deps.ts';
import { collect, endedWithin, kept, ProgressReader, readingOf, resultOf } from './output.ts';
import { FRESH_LOOKS, isAdopted, isReleasedHere, LONG_WAITS, longWait, LOOKS } from './long-wait.ts';
import { Patience } from './patience.ts';
import type { Performing } from './perform.ts';

/** What takes longer than this is worth asking about, and worth telling. Milliseconds. */
const MOMENT_MS = 1_000;
/**
 * Questions for events, which come the more rarely the longer a Pod waits, and the more others wait: the API server has
 * no index of events, and reads all of the namespace for each question.
 */
const EVENTS: Pace = { perSecond: 1, shortestMs: MOMENT_MS, longestMs: 600_000 };
/** The same of a Pod that shows no trouble: it waits for its turn on the node, and only a volume would be told of there. */
const SELDOM: Pace = { perSecond: 0.25, shortestMs: 10_000, longestMs: 600_000 };
/** Those whose Pod is waited for. */
export const WAITING = new Crowd();
/** Longest wait between two of them where few wait. Milliseconds. */
const EVENTS_MS = 30_000;
/** Signals that one follow sends, so that history does not grow with a task's duration. */
const SIGNAL_LIMIT = 30;

/** How long the output of a container that has ended is asked for, if it cannot be read. Milliseconds. */
const PATIENCE_MS = 10 * 60_000;

interface View {
  readonly job: V1Job | undefined;
  readonly pods: readonly V1Pod[];
  readonly diagnosis: Diagnosis;
}

const NOTHING: View = { job: undefined, pods: [], diagnosis: { is: 'waiting' } };

/**
 * Run: look until the Job has ended, tell what is seen on the way, give the ending. Only reads; safe to abandon.
 * Undefined: this worker has no room for it. It is asked for once more, in the queue of those who wait for their turn.
 */
export function follow(deps: Deps, anchor: AnchorRef, job: JobRef): Promise<Ending | undefined> {
  const wait = () => longWait(deps, anchor, (performing) => followToItsEnd(deps, anchor, job, performing));
  const hasTurn = activityInfo().taskQueue === followQueue(deps.taskQueue);
  return hasTurn ? wait() : deps.room.ifThereIs(wait);
}

async function followToItsEnd(
  deps: Deps,
  anchor: AnchorRef,
  job: JobRef,
  { signal, show }: Performing,
): Promise<Ending> {
  const reading = readingOf(anchor);
  const stored = { task: taskLabel(deps.temporalNamespaceId, anchor.run.taskId), run: anchor.name };
  const watcher = new Watcher(deps, anchor, job, signal);
  const progress = new ProgressReader(deps, stored, reading);
  const teller = new Teller(show);
  try {
    for (;;) {
      const changed = deps.watch.changed(anchor.name, LONG_WAITS.every(LOOKS), signal);
      const view = await watcher.look();
      const pod = latest(view.pods);
      if (pod !== undefined) collect(deps, stored, pod);
      if (view.diagnosis.is === 'succeeded')
        return await resultOf(deps, stored, pod, reading, endedWithin(pod, PATIENCE_MS));
      if (view.diagnosis.is === 'failed') {
        await kept(deps, stored, pod);
        return failedEnding(anchor, view.diagnosis.problem);
      }
      await teller.tell(sightingOf(job, view.diagnosis, pod && (await progress.read(pod.metadata?.name ?? ''))));
      await changed;
      signal.throwIfAborted();
    }
  } finally {
    watcher.leave();
  }
}

/** @throws HoldfastError ANCHOR_LOST instead, where the run may provision its own. */
export function failedEnding(anchor: AnchorRef, problem: Problem): Ending {
  if (problem.code === 'JOB_DELETED' && isAdopted(anchor.run)) throw new HoldfastError('ANCHOR_LOST', problem.message);
  return { kind: 'failed', problem };
}

/**
 * Looks at the cache. A Pod of the Job that has ended stays so; that something is not there, or does not get on, is believed
 * only when the API server says so too.
 */
class Watcher {
  readonly #deps: Deps;
  readonly #name: string;
  readonly #uid: string;
  /** Whether somebody else starts the Job, and may take it back. */
  readonly #queued: boolean;
  readonly #signal: AbortSignal;
  #freshAt = Date.now();
  #waiting: { readonly since: number; readonly leave: () => void } | undefined;
  readonly #patience = new Patience();
  #asked: { readonly uid: string; readonly events: readonly CoreV1Event[]; readonly at: number } | undefined;

  constructor(deps: Deps, anchor: AnchorRef, job: JobRef, signal: AbortSignal) {
    this.#deps = deps;
    this.#name = anchor.name;
    this.#uid = job.uid;
    this.#queued = anchor.queue !== undefined;
    this.#signal = signal;
  }

  async look(): Promise<View> {
    const cached = this.#deps.watch.see(this.#name);
    const view = await this.#diagnose(cached.job, cached.pods);
    if (this.#hasEnded(latest(cached.pods))) return view;
    const ended = view.diagnosis.is === 'succeeded' || view.diagnosis.is === 'failed';
    // A cancel reaches the workflow first: what is released beside us does not end by itself any more.
    if (ended && isReleasedHere(this.#deps, this.#name)) return NOTHING;
    if (!ended && Date.now() - this.#freshAt < LONG_WAITS.every(FRESH_LOOKS)) return view;
    const fresh = await this.#read();
    this.#freshAt = Date.now();
    return this.#diagnose(fresh.job, fresh.pods);
  }

  /** It waits no more. */
  leave(): void {
    this.#waiting?.leave();
    this.#waiting = undefined;
  }

  #hasEnded(pod: V1Pod | undefined): boolean {
    return pod !== undefined && isOwnedBy(pod, this.#uid) && isTerminal(pod) && !isEnding(pod);
  }

  async #read(): Promise<{ job: V1Job | undefined; pods: readonly V1Pod[] }> {
    const pods = await this.#deps.api.listPods(`batch.kubernetes.io/controller-uid=${this.#uid}`, this.#signal);
    return { job: await this.#deps.api.readJob(this.#name, this.#signal), pods };
  }

  async #diagnose(job: V1Job | undefined, pods: readonly V1Pod[]): Promise<View> {
    const ours = job?.metadata?.uid === this.#uid ? job : undefined;
    const found = { job: ours, pods };
    const suspended = this.#queued ? diagnoseSuspension(found) : undefined;
    if (suspended !== undefined) return { ...found, diagnosis: suspended };
    const first = diagnose({ ...found, events: [], nodes: [] });
    if (first.is !== 'waiting') {
      this.leave();
      return { ...found, diagnosis: first };
    }
    this.#waiting ??= { since: Date.now(), leave: WAITING.enter() };
    // Most Pods run within a second.
    const waited = Date.now() - this.#waiting.since;
    if (waited < MOMENT_MS) return { ...found, diagnosis: first };
    const nodes = first.problem?.code === 'UNSCHEDULABLE' ? await this.#deps.api.listNodes(this.#signal) : [];
    const about = latest(pods)?.metadata?.uid ?? this.#uid;
    const pace = pods.length > 0 && first.problem === undefined ? SELDOM : EVENTS;
    const events = await this.#eventsOf(about, waited, pace);
    const now = this.#patience.bear(diagnose({ ...found, events, nodes }));
    if (now.is !== 'failed' || this.#hasJustAsked(about)) return { ...found, diagnosis: now };
    // The event that would save it, of a node to come or of another pull, may be one that was not read yet.
    const all = await this.#ask(about);
    return { ...found, diagnosis: this.#patience.bear(diagnose({ ...found, events: all, nodes })) };
  }

  async #eventsOf(uid: string, waited: number, pace: Pace): Promise<readonly CoreV1Event[]> {
    const pause = Math.max(WAITING.every(pace), Math.min(waited / 2, EVENTS_MS));
    const asked = this.#asked?.uid === uid ? this.#asked : undefined;
    const since = asked === undefined ? waited : Date.now() - asked.at;
    return since < pause ? (asked?.events ?? []) : this.#ask(uid);
  }

  #hasJustAsked(uid: string): boolean {
    return this.#asked?.uid === uid && Date.now() - this.#asked.at < MOMENT_MS;
  }

  async #ask(uid: string): Promise<readonly CoreV1Event[]> {
    const events = await this.#deps.api.eventsOf(uid, this.#signal);
    this.#asked = { uid, events, at: Date.now() };
    return events;
  }
}

/**
 * Tells what is seen: every look in the heartbeat; and what keeps the task from getting on, once it has lasted for a
 * moment, and that it is over, in a signal, a bounded number of times. A signal costs four events and a turn of the
 * workflow: where all goes well there is none, however long the task runs.
 */
class Teller {
  readonly #show: (sighting: Sighting) => void;
  #seen: { problem: string | undefined; since: number } = { problem: undefined, since: 0 };
  #told: string | undefined;
  #sent = 0;

  constructor(show: (sighting: Sighting) => void) {
    this.#show = show;
  }

  async tell(sighting: Sighting): Promise<void> {
    this.#show(sighting);
    const problem = sighting.problem?.code;
    if (problem !== this.#seen.problem) this.#seen = { problem, since: Date.now() };
    const lasted = Date.now() - this.#seen.since;
    if (problem === this.#told || lasted < MOMENT_MS || this.#sent >= SIGNAL_LIMIT) return;
    this.#told = problem;
    this.#sent += 1;
    const { workflowExecution } = activityInfo();
    const handle = getClient().workflow.getHandle(workflowExecution?.workflowId ?? '', workflowExecution?.runId);
    await handle
      .signal(SIGHTING_SIGNAL, sighting)
      .catch((error: unknown) => log.debug('a sighting was not delivered', { error: String(error) }));
  }
}

function sightingOf(job: JobRef, diagnosis: Diagnosis, progress: Progress | undefined): Sighting {
  return {
    job,
    ...(diagnosis.pod && { pod: diagnosis.pod }),
    ...(progress && { progress }),
    ...('problem' in diagnosis && diagnosis.problem && { problem: diagnosis.problem }),
  };
}
