import { randomUUID } from 'node:crypto';
import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { Priority } from '@temporalio/common';
import { type Task, WORKFLOW_TYPE } from '../../contract.ts';
import { HoldfastError } from '../../errors.ts';
import { digest } from '../../fence.ts';
import { checkStart } from '../../schemas.ts';
import { workloads } from '../../workloads/index.ts';
import type { Workload } from '../../workloads/workload.ts';
import type { StartedTask } from '../task-client.ts';
import { describeWorkflow } from './describe.ts';

interface StartedAs {
  readonly id?: string;
  readonly priority?: number;
  readonly tenant?: string;
}

interface Owner {
  readonly inputDigest: string;
  readonly tenant: string | undefined;
}

/** @throws HoldfastError INPUT_INVALID, INPUT_TOO_LARGE (nothing was created), TASK_ID_TAKEN. */
export async function startTask(
  temporal: Client,
  taskQueue: string,
  input: Task,
  { id, priority, tenant }: StartedAs,
): Promise<StartedTask> {
  const { task, id: taskId = `${task.workload}-${randomUUID()}` } = checkStart({ task: input, id, priority });
  const inputDigest = digest(task);
  const workload: Workload = workloads[task.workload];
  const summary = workload.summary(task);
  const requestId = randomUUID();
  try {
    const handle = await temporal.workflow.start(WORKFLOW_TYPE, {
      args: [task],
      workflowId: taskId,
      taskQueue,
      workflowIdConflictPolicy: 'USE_EXISTING',
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      memo: { inputDigest, requestId, workload: task.workload, ...(tenant !== undefined && { tenant }) },
      ...priorityOf(priority, tenant),
      staticSummary: summary,
      staticDetails: `Task \`${taskId}\`, workload **${task.workload}**. Cancel is safe at any moment: it answers when nothing of the task is left.`,
    });
    const { memo, runId } = await handle.describe();
    checkSame(taskId, { inputDigest, tenant }, memo);
    return { taskId, runId, isNew: memo?.['requestId'] === requestId };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    const { memo, runId } = await describeWorkflow(temporal, taskId);
    checkSame(taskId, { inputDigest, tenant }, memo);
    return { taskId, runId, isNew: false };
  }
}

/** Temporal's limit for a fairness key. Bytes. */
const KEY_BYTES = 64;

function priorityOf(priorityKey: number | undefined, tenant: string | undefined): { readonly priority?: Priority } {
  if (priorityKey === undefined && tenant === undefined) return {};
  const key = tenant !== undefined && Buffer.byteLength(tenant) > KEY_BYTES ? digest(tenant) : tenant;
  return { priority: { ...(priorityKey && { priorityKey }), ...(key !== undefined && { fairnessKey: key }) } };
}

function checkSame(taskId: string, wanted: Owner, memo: Readonly<Record<string, unknown>> | undefined): void {
  if (memo?.['inputDigest'] === wanted.inputDigest && memo['tenant'] === wanted.tenant) return;
  throw new HoldfastError('TASK_ID_TAKEN', `A task ${taskId} exists already, with another input.`, { taskId });
}
