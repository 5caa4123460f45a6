import type { App } from '../bare-app.ts';
import { cancelMany } from '../bulk-cancel.ts';
import type { Deps } from '../deps.ts';
import { BULK_LIMIT, bulkAnswer, bulkRequest } from '../wire/cancel.ts';
import { refusals } from '../wire/problem.ts';

export function bulkCancelRoute(app: App, deps: Deps): void {
  const schema = {
    tags: ['cancel'],
    operationId: 'cancelTasks',
    summary: 'Cancel every running task that a filter names',
    description: `Does not wait for proofs. At most ${BULK_LIMIT} tasks in one request; go on while there is a next_page_token, for a task is running until its cancel is proved. A task that was started in the last second or so may be missed: Temporal's list is a moment behind.`,
    body: bulkRequest,
    response: { 200: bulkAnswer, ...refusals(413, 415) },
  };
  app.post('/v1/tasks/cancel', { config: { scope: 'cancel' }, schema }, async ({ body, caller }) => {
    const { filter, limit, page_token: from, reason = '', dry_run: dryRun } = body;
    return cancelMany(deps, caller, { filter, limit, from, reason, dryRun });
  });
}
