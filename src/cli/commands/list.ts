/** `holdfast list`: the tasks in Temporal's own order, the open ones before those that have ended. */
import { EXIT } from '../../errors.ts';
import type { TaskView } from '../../task-view.ts';
import { refusedInput } from '../refused-input.ts';
import { withClient } from '../session.ts';
import { showList } from '../show/status.ts';
import { stderr, stdout } from '../terminal.ts';

const MOST = 10_000;

export async function list({ limit, json }: { readonly limit: string; readonly json?: boolean }): Promise<number> {
  const count = checkedLimit(limit);
  return withClient(async (client) => {
    const views: TaskView[] = [];
    for await (const view of client.list({ limit: count })) {
      if (json) stdout.line(JSON.stringify(view));
      else views.push(view);
    }
    if (json) return EXIT.succeeded;
    if (views.length === 0) stderr.line('There are no tasks; `holdfast run --help` says how to start one.');
    else for (const line of showList(views, Date.now())) stdout.line(line);
    return EXIT.succeeded;
  });
}

export function checkedLimit(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= MOST) return count;
  const message = `is ${JSON.stringify(text)}; it must be a whole number from 1 to ${MOST}.`;
  throw refusedInput({ field: 'limit', message });
}
