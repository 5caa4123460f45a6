/** The runs of one task beside each other: after a Reset, or a start that replaced an open run, only the latest counts. */
import { activityInfo, getClient } from '@temporalio/activity';
import type { Released, RunRef } from '../contract.ts';
import { ANNOTATION, LABEL, taskLabel } from '../fence.ts';
import type { Deps } from './deps.ts';
import { releaseRun } from './release-run.ts';
import type { NamedRun } from './world.ts';

export type Found = Extract<Released, { is: 'released' }>['found'];

/** One attempt of a run, as its objects say it. */
interface MarkedRun extends NamedRun {
  readonly attempt: number;
}

/** Every run of the task that has an anchor or a Job. */
export async function runsOfTask(deps: Deps, taskId: string, signal?: AbortSignal): Promise<readonly MarkedRun[]> {
  const selector = `${LABEL.task}=${taskLabel(deps.temporalNamespaceId, taskId)}`;
  const [anchors, jobs] = await Promise.all([
    deps.api.listAnchors(selector, signal),
    deps.api.listJobs(selector, signal),
  ]);
  const runs = [...anchors, ...jobs].map(({ metadata }) => ({
    taskId,
    runId: metadata?.annotations?.[ANNOTATION.runId] ?? '',
    attempt: Number(metadata?.annotations?.[ANNOTATION.attempt] ?? 0),
    name: metadata?.name ?? '',
  }));
  return [...new Map(runs.map((run) => [run.name, run])).values()];
}

/**
 * Those that came before `own`, if that is of the latest run. A later attempt of the same run is none of them: whoever asks
 * may be a zombie, whose attempt was released long ago.
 */
export function earlierThan<Run extends Pick<MarkedRun, 'runId' | 'attempt' | 'name'>>(
  own: { readonly run: Pick<RunRef, 'runId' | 'attempt'>; readonly name: string },
  runs: readonly Run[],
): readonly Run[] {
  const isLater = ({ runId, attempt }: Run) => runId === own.run.runId && attempt > own.run.attempt;
  return runs.filter((run) => run.name !== own.name && !isLater(run));
}

/**
 * Temporal keeps at most one open run per task id, so what other runs of this task left is not wanted any more (Reset,
 * Terminate, a lost attempt). The order makes it safe even for a zombie of an old run: what was listed before Temporal
 * confirmed that we are the latest run cannot belong to a newer one. Gives the most that was found of any of them.
 */
export async function releaseOtherRuns(
  deps: Deps,
  own: { readonly run: RunRef; readonly name: string },
  signal: AbortSignal,
): Promise<Found> {
  const { taskId } = own.run;
  const others = earlierThan(own, await runsOfTask(deps, taskId, signal));
  if (others.length === 0) return 'nothing';
  const latest = await getClient().workflow.getHandle(taskId).describe();
  const { workflowExecution, scheduledTimestampMs } = activityInfo();
  if (latest.runId !== workflowExecution?.runId) return 'nothing';
  let found: Found = 'nothing';
  for (const other of others) {
    const release = () => releaseRun(deps, other, signal);
    found = most(found, (await deps.unreleased.during(other.name, scheduledTimestampMs, release)).found);
  }
  return found;
}

const BY_EXTENT: readonly Found[] = ['nothing', 'suspended', 'started'];

export function most(a: Found, b: Found): Found {
  return BY_EXTENT.indexOf(a) > BY_EXTENT.indexOf(b) ? a : b;
}
