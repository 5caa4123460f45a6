/** Cancels every running task that a filter names; each answer is as true as that of a single cancel. */
import { HoldfastError } from '../errors.ts';
import { paced } from '../paced.ts';
import type { TaskView } from '../task-view.ts';
import { requestCancel } from './cancel.ts';
import type { Caller } from './caller.ts';
import type { Deps } from './deps.ts';
import { type Filter, type Page, pages } from './list.ts';
import type { WireBulk } from './wire/cancel.ts';

/** Cancels under way at the same time. */
const AT_ONCE = 16;

/** Tasks that Temporal is asked for at once. */
const PAGE = 200;

interface BulkWish {
  readonly filter: Omit<Filter, 'status'>;
  readonly limit: number;
  readonly from: string | undefined;
  readonly reason: string;
  readonly dryRun: boolean;
}

type Answered = WireBulk['tasks'][number];

export async function cancelMany(deps: Deps, caller: Caller, wish: BulkWish): Promise<WireBulk> {
  const { tasks: meant, next } = await running(deps, caller, wish);
  const tasks = wish.dryRun
    ? meant.map(wouldCancel)
    : await paced(meant, { atOnce: AT_ONCE }, ({ taskId }) => cancelOne(deps, caller, taskId, wish));
  return { dry_run: wish.dryRun, matched: meant.length, tasks: [...tasks], next_page_token: next };
}

/** Whole pages, as many as stay within the limit. */
async function running(deps: Deps, caller: Caller, { filter, limit, from }: BulkWish): Promise<Page> {
  const size = Math.min(limit, PAGE);
  const found: TaskView[] = [];
  for await (const { tasks, next } of pages(deps, caller, { ...filter, status: ['running'] }, { limit: size, from })) {
    found.push(...tasks);
    if (next !== null && found.length + size > limit) return { tasks: found, next };
  }
  return { tasks: found, next: null };
}

function wouldCancel({ taskId }: TaskView): Answered {
  return { task_id: taskId, status: 'would_cancel', message: 'It would be cancelled.' };
}

async function cancelOne(deps: Deps, caller: Caller, taskId: string, { reason }: BulkWish): Promise<Answered> {
  try {
    const { status } = await requestCancel(deps, taskId, { reason, by: caller.name, wait: 0, signal: deps.stopping });
    deps.metrics.cancelAnswered(status);
    return { task_id: taskId, status, message: MESSAGES[status] };
  } catch (error) {
    const why = error instanceof HoldfastError ? error.message : 'Temporal did not answer.';
    return { task_id: taskId, status: 'not_reached', message: `${why} Ask again; a cancel may be repeated.` };
  }
}

const MESSAGES = {
  cancelled: 'It is cancelled: nothing of it runs, and nothing ever will.',
  cancelling: 'The cancel is recorded and goes on by itself.',
  already_cancelled: 'It was cancelled before.',
  already_completed: 'It had completed.',
  already_failed: 'It had failed.',
  already_terminated: 'It was terminated in Temporal.',
  already_timed_out: "It ran into a timeout of Temporal's.",
} as const;
