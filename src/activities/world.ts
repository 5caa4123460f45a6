/** Reads everything of one run from the API server, in the order that nextReleaseStep needs: Pods last. */
import type { AnchorRef } from '../contract.ts';
import { isEnding, isOfTask, isOwnedBy, LABEL, type RunWorld, taskLabel } from '../fence.ts';
import type { StoredRun } from '../logs/store.ts';
import type { Deps } from './deps.ts';

/** A run as release knows it: by its name, which anchor, Job and Pods share, and its task. */
export interface NamedRun {
  readonly taskId: string;
  readonly runId: string;
  readonly name: string;
  /** Whom to tell when nothing of it is left, if that is known already; its objects say it, too. */
  readonly limiter?: string | undefined;
}

type Reader = Pick<Deps, 'api' | 'temporalNamespaceId'>;

export async function readWorld(deps: Reader, run: NamedRun, signal?: AbortSignal): Promise<RunWorld> {
  const [anchor, job] = await Promise.all([deps.api.readAnchor(run.name, signal), deps.api.readJob(run.name, signal)]);
  const { task, pods } = await readPods(deps, run, signal);
  return { anchor: ifOfTask(anchor, run.name, task), job: ifOfTask(job, run.name, task), pods };
}

/** For the first look of a release, which deletes: the anchor is the one that history knows. */
export async function readBeforeDelete(
  deps: Reader,
  run: NamedRun,
  anchor: AnchorRef,
  signal: AbortSignal,
): Promise<RunWorld> {
  const job = await deps.api.readJob(run.name, signal);
  // After the Job: a Pod that ended before it was read must not be told as one that runs.
  const { task, pods } = await readPods(deps, run, signal);
  return { anchor: asKnown(anchor), job: ifOfTask(job, run.name, task), pods };
}

/**
 * The same as the watch shows it, for a run whose end is in the history, so that nothing can be lost by a look that is old.
 * If it shows Job and Pod: what is not seen is not deleted first, nor is its log begun. As long as there is a Job in a world,
 * nobody is told that it is released.
 */
export function shownBeforeDelete({ watch }: Pick<Deps, 'watch'>, anchor: AnchorRef): RunWorld | undefined {
  const { job, pods } = watch.see(anchor.name);
  if (job === undefined || isEnding(job) || !isOwnedBy(job, anchor.uid) || pods.length === 0) return undefined;
  return { anchor: asKnown(anchor), job, pods };
}

function asKnown({ name, uid }: AnchorRef): NonNullable<RunWorld['anchor']> {
  return { metadata: { name, uid } };
}

async function readPods(deps: Reader, run: NamedRun, signal: AbortSignal | undefined) {
  const task = taskLabel(deps.temporalNamespaceId, run.taskId);
  return { task, pods: await podsOf(deps, { task, run: run.name }, signal) };
}

/** The Pods of a run, as the API server has them now. */
export function podsOf({ api }: Pick<Deps, 'api'>, { task, run }: StoredRun, signal?: AbortSignal) {
  return api.listPods(`${LABEL.run}=${run},${LABEL.task}=${task}`, signal);
}

function ifOfTask<T extends Parameters<typeof isOfTask>[0]>(found: T, run: string, task: string): T | undefined {
  return isOfTask(found, run, task) ? found : undefined;
}
