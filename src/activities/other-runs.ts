/** The runs of one task beside each other: after a Reset, or a start that replaced an open run, only the latest counts. */
import { activityInfo, getClient } from '@temporalio/activity';
import type { Released } from '../contract.ts';
import { ANNOTATION, LABEL, taskLabel } from '../fence.ts';
import type { Deps } from './deps.ts';
import { releaseRun } from './release-run.ts';
import type { NamedRun } from './world.ts';

export type Found = Extract<Released, { is: 'released' }>['found'];

/** Every run of the task that has an anchor or a Job. */
export async function runsOfTask(deps: Deps, taskId: string, signal?: AbortSignal): Promise<readonly NamedRun[]> {
  const selector = `${LABEL.task}=${taskLabel(deps.temporalNamespaceId, taskId)}`;
  const [anchors, jobs] = await Promise.all([
    deps.api.listAnchors(selector, signal),
    deps.api.listJobs(selector, signal),
  ]);
  const runs = [...anchors, ...jobs].map(({ metadata }) => ({
    taskId,
    runId: metadata?.annotations?.[ANNOTATION.runId] ?? '',
    name: metadata?.name ?? '',
  }));
  return [...new Map(runs.map((run) => [run.name, run])).values()];
}

/**
 * Temporal keeps at most one open run per task id, so what other runs of this task left is not wanted any more (Reset,
 * Terminate, a lost attempt). The order makes it safe even for a zombie of an old run: what was listed before Temporal
 * confirmed that we are the latest run cannot belong to a newer one. Gives the most that was found of any of them.
 */
export async function releaseOtherRuns(
  deps: Deps,
  own: Pick<NamedRun, 'taskId' | 'name'>,
  signal: AbortSignal,
): Promise<Found> {
  const others = (await runsOfTask(deps, own.taskId, signal)).filter(({ name }) => name !== own.name);
  if (others.length === 0) return 'nothing';
  const latest = await getClient().workflow.getHandle(own.taskId).describe();
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
