/** How a task ended, and the request that it end. */
import { randomUUID } from 'node:crypto';
import {
  type Client,
  type WorkflowExecutionDescription,
  WorkflowFailedError,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { ApplicationFailure, CancelledFailure, TerminatedFailure, TimeoutFailure } from '@temporalio/common';
import { LIMITS, type Problem, type TaskResult } from '../../contract.ts';
import { firstRunIdOf, summaryOf } from '../../task-view.ts';
import { isNotFound } from '../../temporal-problem.ts';
import type { TaskOutcome } from '../task-client.ts';
import { describeTask, unknownTask } from './describe.ts';

/** Waits for the task's end, or for that of one run, if it is named. @throws HoldfastError TASK_UNKNOWN */
export async function outcomeOf(temporal: Client, taskId: string, runId?: string): Promise<TaskOutcome> {
  const end = await endOfRun(temporal, taskId, runId);
  return end instanceof WorkflowFailedError
    ? unsuccessful(temporal, taskId, runId, end.cause)
    : { outcome: 'succeeded', result: end };
}

/** Waits for the end of a run, and gives that of its task which is the latest then: another, if a Reset ended this one. */
export async function afterEnd(
  temporal: Client,
  run: WorkflowExecutionDescription,
): Promise<WorkflowExecutionDescription> {
  const { workflowId, runId } = run;
  await endOfRun(temporal, workflowId, runId);
  const latest = await describeTask(temporal, workflowId);
  return firstRunIdOf(latest) === firstRunIdOf(run) ? latest : describeTask(temporal, workflowId, runId);
}

/** Of the latest run, unless one is named. A Reset ends a run, too. @throws HoldfastError TASK_UNKNOWN */
export async function endOfRun(
  temporal: Client,
  taskId: string,
  runId?: string,
): Promise<TaskResult | WorkflowFailedError> {
  try {
    return await temporal.workflow.getHandle(taskId, runId).result();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) throw unknownTask(taskId, error);
    if (!(error instanceof WorkflowFailedError)) throw error;
    return error;
  }
}

async function unsuccessful(
  temporal: Client,
  taskId: string,
  runId: string | undefined,
  cause: Error | undefined,
): Promise<TaskOutcome> {
  if (cause instanceof CancelledFailure) {
    const { cancel, started } = summaryOf(await describeTask(temporal, taskId, runId));
    return { outcome: 'cancelled', reason: cancel?.reason ?? '', started };
  }
  if (cause instanceof TerminatedFailure) {
    const { outcome } = summaryOf(await describeTask(temporal, taskId, runId));
    // A Reset terminates the run that it replaces: the task is not over, or ended in another run.
    return outcome === 'terminated' ? { outcome } : outcomeOf(temporal, taskId);
  }
  if (cause instanceof TimeoutFailure) return { outcome: 'timed_out' };
  const told = cause instanceof ApplicationFailure ? (cause.details?.[0] as Problem | undefined) : undefined;
  return { outcome: 'failed', problem: told ?? { code: 'WORKER_FAULT', message: cause?.message ?? 'no reason given' } };
}

/** The SDK's own cancel() has no place for a reason (temporalio/sdk-typescript#1626); the request has. */
export async function requestCancel(
  { options, workflowService }: Client,
  description: WorkflowExecutionDescription,
  { reason, by = options.identity }: { readonly reason: string; readonly by: string | undefined },
): Promise<void> {
  const request = {
    namespace: options.namespace,
    workflowExecution: { workflowId: description.workflowId },
    identity: by,
    requestId: randomUUID(),
    // Guards against cancelling a later task that was given the same id.
    firstExecutionRunId: firstRunIdOf(description),
    reason: reason.slice(0, LIMITS.reasonLength),
  };
  await workflowService.requestCancelWorkflowExecution(request).catch((error: unknown) => {
    // It ended in this very moment; some servers say so in this way. How it ended is read by whoever answers.
    if (!isNotFound(error)) throw error;
  });
}
