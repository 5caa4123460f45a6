/** Somebody's workflow that has a task as its child; bundled for its test only. */
import { condition, executeChild, type ParentClosePolicy, startChild } from '@temporalio/workflow';
import type { Task } from '../../src/contract.ts';

export interface ParentInput {
  readonly task: Task;
  readonly taskId: string;
  readonly taskQueue: string;
}

const options = ({ task, taskId, taskQueue }: ParentInput) => ({ args: [task], workflowId: taskId, taskQueue });

/** Starts the task and waits for nothing; what becomes of the task when this ends is the policy's. */
export async function startAndLive(input: ParentInput, parentClosePolicy: ParentClosePolicy): Promise<void> {
  await startChild('runTask', { ...options(input), parentClosePolicy });
  await condition(() => false);
}

/** Waits for the task, as most would. */
export async function awaitTask(input: ParentInput): Promise<unknown> {
  return executeChild('runTask', { ...options(input), parentClosePolicy: 'REQUEST_CANCEL' });
}
