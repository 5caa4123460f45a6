import { type Client, type WorkflowExecutionDescription, WorkflowNotFoundError } from '@temporalio/client';
import { WORKFLOW_TYPE } from '../../contract.ts';
import { HoldfastError } from '../../errors.ts';

/** Its latest run, unless one is named. @throws HoldfastError TASK_UNKNOWN, of other people's workflows, too: they are no tasks. */
export async function describeTask(
  temporal: Client,
  taskId: string,
  runId?: string,
): Promise<WorkflowExecutionDescription> {
  const description = await describeWorkflow(temporal, taskId, runId);
  if (description.type === WORKFLOW_TYPE) return description;
  throw unknownTask(taskId, new TypeError(`it is a ${description.type}`));
}

/** Whatever has this id. @throws HoldfastError TASK_UNKNOWN */
export async function describeWorkflow(
  temporal: Client,
  taskId: string,
  runId?: string,
): Promise<WorkflowExecutionDescription> {
  return temporal.workflow
    .getHandle(taskId, runId)
    .describe()
    .catch((error: unknown) => {
      throw error instanceof WorkflowNotFoundError ? unknownTask(taskId, error) : error;
    });
}

export function unknownTask(taskId: string, cause: unknown): HoldfastError {
  return new HoldfastError('TASK_UNKNOWN', `There is no task ${taskId}.`, { taskId }, { cause });
}
