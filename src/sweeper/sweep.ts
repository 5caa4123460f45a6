/** List, judge, release, again: level-based, and safe to run in several workers at once. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubernetesObject } from '@kubernetes/client-node';
import type { Client } from '@temporalio/client';
import type { Deps } from '../activities/deps.ts';
import { releaseRun } from '../activities/release-run.ts';
import type { NamedRun } from '../activities/world.ts';
import { ANNOTATION, LABEL, MANAGED_BY } from '../fence.ts';
import type { Orphan } from '../metrics.ts';
import { standingOf } from '../task-standing.ts';
import { judge, type Suspect } from './judge.ts';

export interface SweeperDeps extends Deps {
  readonly client: Client;
  /** 0: never. */
  readonly everySeconds: number;
}

/** How long one run may take to be released before the sweep goes on to the next. Milliseconds. */
const RELEASE_MS = 60_000;

export async function keepSweeping(deps: SweeperDeps, stop: AbortSignal): Promise<void> {
  if (deps.everySeconds === 0) return;
  let seen: ReadonlyMap<string, Suspect> = new Map();
  while (!stop.aborted) {
    await sleep(deps.everySeconds * 1_000, undefined, { signal: stop }).catch(() => undefined);
    if (stop.aborted) return;
    seen = await tellSweep(deps, seen, stop).catch((error: unknown) => {
      if (!stop.aborted) deps.log.warn({ error: String(error) }, 'a sweep did not end; nothing was released in doubt');
      return new Map();
    });
  }
}

/** Sweeps, and tells the metrics of it, whether it ended or not. */
async function tellSweep(
  deps: SweeperDeps,
  before: ReadonlyMap<string, Suspect>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Suspect>> {
  const orphans: Orphan[] = [];
  try {
    const suspects = await sweep(deps, before, signal, (orphan) => orphans.push(orphan));
    deps.unreleased.suspect(suspects.keys());
    deps.metrics.swept({ at: Date.now(), orphans });
    return suspects;
  } catch (error) {
    if (!signal.aborted) deps.metrics.swept({ at: Date.now(), orphans, refused: { because: 'failed' } });
    throw error;
  }
}

/** One sweep; gives what it suspects for the first time, for the next one to be sure of. */
export async function sweep(
  deps: SweeperDeps,
  before: ReadonlyMap<string, Suspect>,
  signal: AbortSignal,
  tell: (orphan: Orphan) => void,
): Promise<ReadonlyMap<string, Suspect>> {
  const suspects = new Map<string, Suspect>();
  for (const { named, suspect } of await findRuns(deps, signal)) {
    // What was listed before Temporal answers cannot belong to a run that is younger than the answer.
    const standing = await standingOf(deps.client, named.taskId);
    const verdict = judge(suspect, standing, deps.temporalNamespaceId, before.get(suspect.run));
    if (verdict.do === 'keep') continue;
    suspects.set(suspect.run, suspect);
    if (verdict.do !== 'release') continue;
    deps.log.warn({ taskId: named.taskId, jobName: named.name, standing }, 'releasing what no task owns');
    try {
      await releaseRun(deps, named, AbortSignal.any([signal, AbortSignal.timeout(RELEASE_MS)]));
    } catch (error) {
      tell({ reason: standing, removed: false });
      throw error;
    }
    tell({ reason: standing, removed: true });
    suspects.delete(suspect.run);
  }
  return suspects;
}

interface FoundRun {
  readonly named: NamedRun;
  readonly suspect: Suspect;
}

async function findRuns({ api }: SweeperDeps, signal: AbortSignal): Promise<readonly FoundRun[]> {
  const selector = `${LABEL.managedBy}=${MANAGED_BY}`;
  const [anchors, jobs] = await Promise.all([api.listAnchors(selector, signal), api.listJobs(selector, signal)]);
  const byRun = Map.groupBy<string, KubernetesObject>([...anchors, ...jobs], runOf);
  return [...byRun].flatMap(([run, objects]) => {
    const annotations = objects[0]?.metadata?.annotations ?? {};
    const taskId = annotations[ANNOTATION.taskId];
    const runId = annotations[ANNOTATION.runId];
    const temporalNamespaceId = annotations[ANNOTATION.temporalNamespaceId];
    if (run === '' || taskId === undefined || runId === undefined || temporalNamespaceId === undefined) return [];
    const uids = objects.map(({ metadata }) => metadata?.uid ?? '').toSorted();
    return [{ named: { taskId, runId, name: run }, suspect: { run, temporalNamespaceId, uids } }];
  });
}

function runOf(object: KubernetesObject): string {
  return object.metadata?.labels?.[LABEL.run] ?? '';
}
