/** What a person gets to see of a task: Temporal's record, the memo the workflow keeps, the last heartbeat. */
import type { Client, WorkflowExecutionDescription, WorkflowExecutionInfo } from '@temporalio/client';
import type { LoadedDataConverter } from '@temporalio/common';
import { decodeArrayFromPayloads } from '@temporalio/common/lib/internal-non-workflow/index.js';
import type { Outcome, Sighting, TaskState } from './contract.ts';

type Info = WorkflowExecutionInfo | WorkflowExecutionDescription;

export interface TaskView extends TaskState {
  readonly runId: string;
  /** Whether Temporal's record is open. */
  readonly open: boolean;
  /** Whether a cancel has been recorded, even if no worker has seen it yet. */
  readonly cancelRequested: boolean;
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
  return {
    ...state,
    ...(outcome !== undefined && { outcome, phase: 'ended' as const }),
    taskId: info.workflowId,
    runId: info.runId,
    open: outcome === undefined,
    cancelRequested: state.cancel !== undefined,
    startedAt: info.startTime.toISOString(),
    ...(info.closeTime && { closedAt: info.closeTime.toISOString() }),
  };
}

/** From a description: with what the follow activity saw last, if it is of the same Job. */
export async function viewOf(client: Client, description: WorkflowExecutionDescription): Promise<TaskView> {
  const view = summaryOf(description);
  const cancelRequested = description.raw.workflowExtendedInfo?.cancelRequested ?? false;
  const sighting = view.open ? await lastSighting(client, description) : undefined;
  if (sighting === undefined || sighting.job.uid !== view.job?.uid) return { ...view, cancelRequested };
  const { problem: _, ...rest } = view;
  return { ...rest, ...sighting, cancelRequested };
}

async function lastSighting(client: Client, description: WorkflowExecutionDescription): Promise<Sighting | undefined> {
  const pending = description.raw.pendingActivities?.find(({ activityType }) => activityType?.name === 'follow');
  const payloads = pending?.heartbeatDetails?.payloads;
  if (!payloads) return undefined;
  const converter: LoadedDataConverter = client.options.loadedDataConverter;
  const [sighting] = await decodeArrayFromPayloads(converter, payloads);
  return sighting as Sighting | undefined;
}

function memoState(info: Info): TaskState {
  const state = info.memo?.['state'] as TaskState | undefined;
  return state ?? { taskId: info.workflowId, workload: 'command', phase: 'provisioning', started: false };
}
