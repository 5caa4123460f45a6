/** What a person gets to see of a task: Temporal's record, the memo the workflow keeps, the last heartbeat. */
import type { Client, WorkflowExecutionDescription, WorkflowExecutionInfo } from '@temporalio/client';
import type { LoadedDataConverter } from '@temporalio/common';
import { decodeArrayFromPayloads } from '@temporalio/common/lib/internal-non-workflow/index.js';
import type { Outcome, Phase, Sighting, TaskState, WorkloadName } from './contract.ts';

type Info = WorkflowExecutionInfo | WorkflowExecutionDescription;

export interface TaskView extends TaskState {
  readonly runId: string;
  /** Whether Temporal's record is open. */
  readonly open: boolean;
  /** Whether a cancel has been recorded, even if no worker has seen it yet. */
  readonly cancelRequested: boolean;
  /** Whose it is, if it was started for somebody. */
  readonly tenant?: string;
  /** What release waits for at the moment, by kind and name. */
  readonly waitingFor?: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly closedAt?: string;
}

const OUTCOMES: Readonly<Record<string, Outcome>> = {
  COMPLETED: 'succeeded',
  FAILED: 'failed',
  CANCELLED: 'cancelled',
  TERMINATED: 'terminated',
  TIMED_OUT: 'timed_out',
};

/** From a list: without heartbeats. */
export function summaryOf(info: Info): TaskView {
  const state = memoState(info);
  const outcome = OUTCOMES[info.status.name];
  const tenant = info.memo?.['tenant'];
  return {
    ...state,
    ...(typeof tenant === 'string' && { tenant }),
    ...(outcome !== undefined && { outcome, phase: 'ended' as const }),
    taskId: info.workflowId,
    runId: info.runId,
    open: outcome === undefined,
    cancelRequested: state.cancel !== undefined,
    startedAt: info.startTime.toISOString(),
    ...(info.closeTime && { closedAt: info.closeTime.toISOString() }),
  };
}

/** From a description: with what the follow activity saw last, if it is of the same Job, and what release waits for. */
export async function viewOf(client: Client, description: WorkflowExecutionDescription): Promise<TaskView> {
  const summary = summaryOf(description);
  const cancelRequested = description.raw.workflowExtendedInfo?.cancelRequested ?? false;
  if (!summary.open) return { ...summary, cancelRequested };
  const passing = passingPhase(description, summary);
  const release = await lastHeartbeat<{ readonly waitingFor?: string }>(client, description, 'release');
  const waiting = release?.waitingFor !== undefined && { waitingFor: release.waitingFor };
  const view = { ...summary, cancelRequested, ...(passing && { phase: passing }), ...waiting };
  const sighting = await lastHeartbeat<Sighting>(client, description, 'follow');
  if (sighting === undefined || sighting.job.uid !== view.job?.uid) return view;
  const { problem: _, ...rest } = view;
  return { ...rest, ...sighting };
}

/** Resets keep it; a task that is started later under the same id has another. */
export function firstRunIdOf({ raw, runId }: WorkflowExecutionDescription): string {
  return raw.workflowExecutionInfo?.firstRunId || runId;
}

/** What no memo says, since it passes in a moment; unless Kubernetes is away. */
function passingPhase(description: WorkflowExecutionDescription, { phase }: TaskView): Phase | undefined {
  if (pendingActivity(description, 'release') !== undefined) return 'releasing';
  return phase === 'running' && pendingActivity(description, 'start') !== undefined ? 'starting' : undefined;
}

function pendingActivity({ raw }: WorkflowExecutionDescription, name: 'start' | 'follow' | 'release') {
  return raw.pendingActivities?.find(({ activityType }) => activityType?.name === name);
}

async function lastHeartbeat<Details>(
  client: Client,
  description: WorkflowExecutionDescription,
  activity: 'follow' | 'release',
): Promise<Details | undefined> {
  const payloads = pendingActivity(description, activity)?.heartbeatDetails?.payloads;
  if (!payloads) return undefined;
  const converter: LoadedDataConverter = client.options.loadedDataConverter;
  const [details] = await decodeArrayFromPayloads(converter, payloads);
  return details as Details | undefined;
}

/** Of a task whose workflow has noted nothing yet. */
export function firstState({ taskId, workload }: Pick<TaskState, 'taskId' | 'workload'>): TaskState {
  return { taskId, workload, phase: 'provisioning', started: false };
}

function memoState(info: Info): TaskState {
  const { state, workload = 'command' } = (info.memo ?? {}) as { state?: TaskState; workload?: WorkloadName };
  return state ?? firstState({ taskId: info.workflowId, workload });
}
