/** The half of a kill that concerns Temporal: how the task stands, and that no run of it is open any more. */
import { randomUUID } from 'node:crypto';
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { newestFirst } from '../client/temporal/history.ts';
import { type JobRef, WORKFLOW_TYPE } from '../contract.ts';
import { HoldfastError } from '../errors.ts';
import { firstRunIdOf, summaryOf } from '../task-view.ts';
import { isNotFound } from '../temporal-problem.ts';
import type { KillReport } from './contract.ts';

export interface TaskRecord {
  readonly was: KillReport['was'];
  /** Resets keep it; a task that is started later under the same id has another. */
  readonly firstRunId?: string;
  /** Named as soon as the start was asked for, so without it no Job of the task was ever started. */
  readonly job?: JobRef;
}

export interface KillOrder {
  readonly reason: string;
  /** Who kills. */
  readonly by: string;
}

/** @throws HoldfastError TASK_UNKNOWN if the id is that of a workflow which is no task. */
export async function recordOf(temporal: Client, taskId: string): Promise<TaskRecord> {
  try {
    const description = await temporal.workflow.getHandle(taskId).describe();
    if (description.type !== WORKFLOW_TYPE)
      throw new HoldfastError('TASK_UNKNOWN', `The workflow ${taskId} is no task but a ${description.type}.`, {
        taskId,
      });
    const { outcome, job } = summaryOf(description);
    return { was: outcome ?? 'open', firstRunId: firstRunIdOf(description), ...(job && { job }) };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { was: 'forgotten' };
    throw error;
  }
}

/**
 * Terminates until no run of the task is open: a Reset may begin another meanwhile. Tells of each at once.
 * @throws HoldfastError KILL_OVERTAKEN if the open run is of a task that was started later under the same id.
 */
export async function endWorkflow(
  temporal: Client,
  taskId: string,
  firstRunId: string | undefined,
  order: KillOrder,
  onTerminated: () => void,
): Promise<TaskRecord> {
  for (;;) {
    const record = await recordOf(temporal, taskId);
    if (record.was !== 'open') return record;
    if (record.firstRunId === undefined || record.firstRunId !== firstRunId)
      throw new HoldfastError('KILL_OVERTAKEN', `Another task was started under the id ${taskId} meanwhile.`, {
        taskId,
      });
    if (await terminate(temporal, taskId, record.firstRunId, order)) onTerminated();
  }
}

/** False if it had ended by itself, or by another, in the last moment; the next description tells how. */
async function terminate(
  temporal: Client,
  taskId: string,
  firstExecutionRunId: string,
  { reason, by }: KillOrder,
): Promise<boolean> {
  const mark = Buffer.from(JSON.stringify({ kill: randomUUID() }));
  try {
    await temporal.workflowService.terminateWorkflowExecution({
      namespace: temporal.options.namespace,
      workflowExecution: { workflowId: taskId },
      firstExecutionRunId,
      identity: by,
      reason: reason === '' ? 'killed' : `killed: ${reason}`,
      details: { payloads: [{ metadata: { encoding: Buffer.from('json/plain') }, data: mark }] },
    });
    return true;
  } catch (error) {
    if (isNotFound(error)) return bearsMark(temporal, taskId, mark);
    throw error;
  }
}

/** Whether our own request ended it: its answer may have been lost, and Temporal's client asks again by itself. */
async function bearsMark(temporal: Client, taskId: string, mark: Uint8Array): Promise<boolean> {
  // Without a run id: of the latest.
  const { value: last } = await newestFirst(temporal, { taskId, runId: '' })
    .next()
    .catch((error: unknown) => {
      // Its record has been deleted since.
      if (isNotFound(error)) return { value: undefined };
      throw error;
    });
  const [payload] = last?.workflowExecutionTerminatedEventAttributes?.details?.payloads ?? [];
  return payload?.data != null && Buffer.from(payload.data).equals(mark);
}
