/**
 * Tasks by filter, in pages, as Temporal's visibility lists them: a task that was started or ended within the last
 * second or so may be missing or stand as it was before.
 */
import { executionInfoFromRaw } from '@temporalio/client/lib/helpers.js';
import { WORKFLOW_TYPE, type Outcome } from '../contract.ts';
import { HoldfastError } from '../errors.ts';
import { digest } from '../fence.ts';
import { type TaskView, summaryOf } from '../task-view.ts';
import { type Caller, maySee } from './caller.ts';
import { ask, type Deps } from './deps.ts';

export interface Filter {
  readonly status?: readonly ('running' | Outcome)[];
  readonly workload?: string;
  readonly id_prefix?: string;
  readonly started_after?: string;
  readonly started_before?: string;
}

export interface Page {
  readonly tasks: readonly TaskView[];
  /** Where the next page begins; null after the last. */
  readonly next: string | null;
}

interface Place {
  readonly limit: number;
  readonly from?: string | undefined;
}

/** Workload and tenant are in the memo, which Temporal does not search: they are picked from what it lists. */
export async function* pages(deps: Deps, caller: Caller, filter: Filter, { limit, from }: Place): AsyncGenerator<Page> {
  let token = from;
  for (;;) {
    const page = await ask(deps, () => ofTemporal(deps, queryOf(filter), { limit, from: token }));
    const meant = ({ workload }: TaskView) => filter.workload === undefined || workload === filter.workload;
    yield { ...page, tasks: page.tasks.filter((view) => maySee(caller, view) && meant(view)) };
    if (page.next === null) return;
    token = page.next;
  }
}

async function ofTemporal({ client: { temporal } }: Deps, query: string, { limit, from }: Place): Promise<Page> {
  const { namespace, loadedDataConverter } = temporal.options;
  const begin = from === undefined ? {} : { nextPageToken: opened(query, from) };
  const listed = await temporal.workflowService.listWorkflowExecutions({ namespace, query, pageSize: limit, ...begin });
  const tasks = (listed.executions ?? []).map(async (raw) =>
    summaryOf(await executionInfoFromRaw(raw, loadedDataConverter, raw, namespace)),
  );
  return { tasks: await Promise.all(tasks), next: sealed(query, listed.nextPageToken ?? new Uint8Array()) };
}

/** With a check sum: what Temporal says to a token that is not of this list depends on its database. */
function sealed(query: string, token: Uint8Array): string | null {
  if (token.length === 0) return null;
  const text = Buffer.from(token).toString('base64url');
  return `${text}.${digest([query, text]).slice(0, 16)}`;
}

function opened(query: string, from: string): Uint8Array {
  const [text = '', sum] = from.split('.');
  if (digest([query, text]).slice(0, 16) === sum) return Buffer.from(text, 'base64url');
  const message = 'is of no page of this list; leave it out to begin with the first.';
  throw new HoldfastError('INPUT_INVALID', `page_token ${message}`, { problems: [{ field: 'page_token', message }] });
}

const EXECUTION_STATUS: Readonly<Record<'running' | Outcome, string>> = {
  running: 'Running',
  succeeded: 'Completed',
  failed: 'Failed',
  cancelled: 'Canceled',
  terminated: 'Terminated',
  timed_out: 'TimedOut',
};

/** https://docs.temporal.io/list-filter */
export function queryOf({ status = [], id_prefix, started_after, started_before }: Filter): string {
  const anyOf = status.map((name) => `ExecutionStatus = ${quoted(EXECUTION_STATUS[name])}`);
  return [
    `WorkflowType = ${quoted(WORKFLOW_TYPE)}`,
    ...(anyOf.length > 0 ? [`(${anyOf.join(' OR ')})`] : []),
    ...(id_prefix === undefined ? [] : [`WorkflowId STARTS_WITH ${quoted(id_prefix)}`]),
    ...(started_after === undefined ? [] : [`StartTime >= ${quoted(started_after)}`]),
    ...(started_before === undefined ? [] : [`StartTime < ${quoted(started_before)}`]),
  ].join(' AND ');
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}
