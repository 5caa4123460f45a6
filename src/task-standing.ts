/** What Temporal says of a task id: whether somebody is still in charge of what the task made. */
import { type Client, type WorkflowExecutionStatusName, WorkflowNotFoundError } from '@temporalio/client';
import { WORKFLOW_TYPE } from './contract.ts';
import { temporalProblem } from './temporal-problem.ts';

/** `absent` only if Temporal said so of a namespace that it knows. Whoever is not sure keeps everything. */
export type TaskStanding = 'open' | 'closed' | 'absent' | 'unknown';

const STANDINGS: Readonly<Record<WorkflowExecutionStatusName, TaskStanding>> = {
  RUNNING: 'open',
  PAUSED: 'open',
  CONTINUED_AS_NEW: 'open',
  COMPLETED: 'closed',
  FAILED: 'closed',
  CANCELLED: 'closed',
  TERMINATED: 'closed',
  TIMED_OUT: 'closed',
  UNSPECIFIED: 'unknown',
  UNKNOWN: 'unknown',
};

/** Of the latest run of the id. Never throws: an error is a doubt. */
export async function standingOf(client: Client, taskId: string): Promise<TaskStanding> {
  return askStanding(client, taskId).catch(() => 'unknown');
}

/**
 * The same, for those who ask of many tasks: what says nothing of the task (Temporal is away, refuses us, or has no such
 * namespace) is thrown, so that nobody goes on asking.
 */
export async function askStanding(client: Client, taskId: string): Promise<TaskStanding> {
  try {
    const { status } = await client.workflow.getHandle(taskId).describe();
    return STANDINGS[status.name];
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return 'absent';
    if (temporalProblem(error) !== undefined) throw error;
    return 'unknown';
  }
}

/** The most that Temporal gives at once. */
const PAGE = 1_000;

/**
 * The ids of all tasks of this queue that Temporal's list has as open, a thousand a request. It lags behind: it says of
 * whom one need not ask, and nothing of who is not on it.
 */
export async function listedOpen(
  client: Client,
  taskQueue: string,
  within: <T>(ask: () => Promise<T>) => Promise<T>,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const { namespace } = client.options;
  const query = `WorkflowType = '${WORKFLOW_TYPE}' AND TaskQueue = '${taskQueue}' AND ExecutionStatus = 'Running'`;
  const open = new Set<string>();
  let nextPageToken: Uint8Array | null | undefined;
  do {
    signal.throwIfAborted();
    const next = { namespace, query, pageSize: PAGE, ...(nextPageToken && { nextPageToken }) };
    const page = await within(() => client.workflowService.listWorkflowExecutions(next));
    for (const { execution } of page.executions) open.add(execution?.workflowId ?? '');
    ({ nextPageToken } = page);
  } while (nextPageToken?.length);
  return open;
}
