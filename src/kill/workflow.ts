/** The half of a kill that concerns Temporal: how the task stands, and that no run of it is open any more. */
import { type Client, isGrpcServiceError, WorkflowNotFoundError } from '@temporalio/client';
import { type JobRef, type KillReport, WORKFLOW_TYPE } from '../contract.ts';
import { HoldfastError } from '../errors.ts';
import { summaryOf } from '../task-view.ts';

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

/** gRPC's own number: https://grpc.io/docs/guides/status-codes/ */
const NOT_FOUND = 5;

/** @throws HoldfastError TASK_UNKNOWN if the id is that of a workflow which is no task. */
export async function recordOf(temporal: Client, taskId: string): Promise<TaskRecord> {
  try {
    const description = await temporal.workflow.getHandle(taskId).describe();
    if (description.type !== WORKFLOW_TYPE)
      throw new HoldfastError('TASK_UNKNOWN', `The workflow ${taskId} is no task but a ${description.type}.`, {
        taskId,
      });
    const { runId, outcome, job } = summaryOf(description);
    const firstRunId = description.raw.workflowExecutionInfo?.firstRunId || runId;
    return { was: outcome ?? 'open', firstRunId, ...(job && { job }) };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { was: 'forgotten' };
    throw error;
  }
}

/**
 * Terminates until no run of the task is open: a Reset may begin another meanwhile. Gives whether any was.
 * @throws HoldfastError KILL_OVERTAKEN if the open run is of a task that was started later under the same id.
 */
export async function endWorkflow(
  temporal: Client,
  taskId: string,
  firstRunId: string | undefined,
  order: KillOrder,
): Promise<{ readonly record: TaskRecord; readonly terminated: boolean }> {
  for (let terminated = false; ;) {
    const record = await recordOf(temporal, taskId);
    if (record.was !== 'open') return { record, terminated };
    if (record.firstRunId === undefined || record.firstRunId !== firstRunId)
      throw new HoldfastError('KILL_OVERTAKEN', `Another task was started under the id ${taskId} meanwhile.`, {
        taskId,
      });
    terminated = (await terminate(temporal, taskId, record.firstRunId, order)) || terminated;
  }
}

/** False if it had ended by itself in the last moment; the next description tells how. */
async function terminate(
  temporal: Client,
  taskId: string,
  firstExecutionRunId: string,
  { reason, by }: KillOrder,
): Promise<boolean> {
  try {
    await temporal.workflowService.terminateWorkflowExecution({
      namespace: temporal.options.namespace,
      workflowExecution: { workflowId: taskId },
      firstExecutionRunId,
      identity: by,
      reason: reason === '' ? 'killed' : `killed: ${reason}`,
    });
    return true;
  } catch (error) {
    if (isGrpcServiceError(error) && error.code === NOT_FOUND) return false;
    throw error;
  }
}
