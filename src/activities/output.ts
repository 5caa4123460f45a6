/** From a container's output to progress and to a result: both read what the collector has stored. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1Pod } from '@kubernetes/client-node';
import type { AnchorRef, Ending, Progress, RunRef } from '../contract.ts';
import { HoldfastError } from '../errors.ts';
import { digest, isTerminal } from '../fence.ts';
import { hasBegun, statusesOf } from '../kubernetes/container-status.ts';
import { CONTAINER, type StoredPlan } from '../kubernetes/job.ts';
import type { Collection, Source } from '../logs/collector.ts';
import { logFile, type StoredRun } from '../logs/store.ts';
import { workloads } from '../workloads/index.ts';
import type { OutputReader } from '../workloads/workload.ts';
import type { Deps } from './deps.ts';
import { podsOf } from './world.ts';

/** How long the last lines of an ended container may take to arrive. Milliseconds. */
const DRAIN_MS = 10_000;

/** All that is to be known of a task to read its output. */
export type Reading = Pick<StoredPlan, 'workload' | 'nonce'>;

/** Known from history, so that no anchor need be read for it. */
export function readingOf({ workload, run }: Pick<AnchorRef, 'workload' | 'run'>): Reading {
  return { workload, nonce: nonceOf(run) };
}

/** What marks the lines of our own programs in the output of this run, and of no other. */
export function nonceOf(run: RunRef): string {
  return digest(['nonce', run]).slice(0, 32);
}

/** Reads on from where it stopped, each time it is asked. */
export class ProgressReader {
  readonly #deps: Deps;
  readonly #run: StoredRun;
  readonly #reader: OutputReader;
  #file = '';
  #offset = 0;
  #latest: Progress | undefined;

  constructor(deps: Deps, run: StoredRun, reading: Reading) {
    this.#deps = deps;
    this.#run = run;
    this.#reader = readerOf(deps, reading);
  }

  async read(pod: string): Promise<Progress | undefined> {
    if (this.#reader.line === undefined) return undefined;
    const file = logFile(pod, CONTAINER);
    if (file !== this.#file) [this.#file, this.#offset] = [file, 0];
    for await (const { text, end } of this.#deps.logs.lines(this.#run, file, this.#offset)) {
      this.#latest = this.#reader.line(text) ?? this.#latest;
      this.#offset = end;
    }
    return this.#latest;
  }
}

/** Begins to collect every container of the Pod that has begun to run. What is collected already just goes on. */
export function collect(deps: Deps, run: StoredRun, pod: V1Pod): readonly Collection[] {
  const begun = statusesOf(pod).filter(hasBegun);
  return begun.map(({ name }) => deps.collector.collect(sourceOf(deps, run, pod, name)));
}

/** The watch may not have heard of the Pod yet, or lag behind what was read: it is believed when it has shown the Pod once. */
function sourceOf(deps: Deps, run: StoredRun, given: V1Pod, container: string): Source {
  const { name: pod = '', uid: podUid = '' } = given.metadata ?? {};
  const isIt = ({ metadata }: V1Pod) => metadata?.uid === podUid;
  let hasBeenSeen = false;
  const known = () => {
    const found = deps.watch.see(run.run).pods.find(isIt);
    hasBeenSeen ||= found !== undefined;
    return found;
  };
  return {
    run,
    pod,
    podUid,
    container,
    ended: async () => {
      const now = known();
      return (now === undefined && hasBeenSeen) || [now, given].some((each) => each && hasEnded(each, container));
    },
    gone: async () => {
      if (known() !== undefined) return false;
      return hasBeenSeen || !(await podsOf(deps, run)).some(isIt);
    },
    changed: (ms, signal) => deps.watch.changed(run.run, ms, signal),
  };
}

function hasEnded(pod: V1Pod, container: string): boolean {
  return statusesOf(pod).find(({ name }) => name === container)?.state?.terminated !== undefined;
}

/** Resolves when all of them have ended and are stored, and says whether they are; or after `ms`. */
export async function drained(collections: readonly Collection[], ms: number): Promise<boolean> {
  const all = Promise.all(collections.map((collection) => collection.drained));
  return Promise.race([all.then((each) => each.every(Boolean)), sleep(ms, false, { ref: false })]);
}

/** Its output is stored as far as it can be had: what ends a Pod's task also lets its log be deleted. */
export async function kept(deps: Deps, run: StoredRun, pod: V1Pod | undefined): Promise<void> {
  if (pod !== undefined && isTerminal(pod)) await drained(collect(deps, run, pod), DRAIN_MS);
}

/**
 * The result of a Pod that succeeded, read from its whole output.
 * @throws HoldfastError KUBERNETES_UNCLEAR, as long as `isPatient`, if it lacks what could not be read yet.
 */
export async function resultOf(
  deps: Deps,
  run: StoredRun,
  pod: V1Pod | undefined,
  reading: Reading,
  isPatient: boolean,
): Promise<Ending> {
  const reader = readerOf(deps, reading);
  const isWhole = pod === undefined || (await drained(collect(deps, run, pod), DRAIN_MS));
  if (pod !== undefined && reader.line !== undefined) {
    const file = logFile(pod.metadata?.name ?? '', CONTAINER);
    for await (const { text } of deps.logs.lines(run, file)) reader.line(text);
  }
  const ending = reader.end();
  if (ending.kind === 'failed' && !isWhole && isPatient)
    throw new HoldfastError(
      'KUBERNETES_UNCLEAR',
      `The log of Pod ${pod?.metadata?.name} cannot be read to its end yet.`,
    );
  if (reader.rows !== undefined) await deps.logs.writeResults(run, reader.rows);
  return ending.kind === 'succeeded' ? { ...ending, ...timesOf(pod) } : ending;
}

function readerOf(deps: Deps, { workload, nonce }: Reading): OutputReader {
  return workloads[workload].reader({ pythonImage: deps.pythonImage, nonce });
}

/** Whether its container ended less than so long ago, by its node's clock. */
export function endedWithin(pod: V1Pod | undefined, ms: number): boolean {
  const { finishedAt } = timesOf(pod);
  return finishedAt !== undefined && Date.now() - Date.parse(finishedAt) < ms;
}

function timesOf(pod: V1Pod | undefined): { startedAt?: string; finishedAt?: string } {
  const ended = pod?.status?.containerStatuses?.find(({ name }) => name === CONTAINER)?.state?.terminated;
  return {
    ...(ended?.startedAt !== undefined && { startedAt: new Date(ended.startedAt).toISOString() }),
    ...(ended?.finishedAt !== undefined && { finishedAt: new Date(ended.finishedAt).toISOString() }),
  };
}
