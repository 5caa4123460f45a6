/** `holdfast status ID`: where a task is, or how it ended. */
import type { TaskClient, TaskOutcome } from '../../client.ts';
import type { Problem } from '../../contract.ts';
import { EXIT } from '../../errors.ts';
import type { TaskView } from '../../task-view.ts';
import { withClient } from '../session.ts';
import { showEnding } from '../show/ending.ts';
import { showStatus } from '../show/status.ts';
import { painter } from '../show/text.ts';
import { stdout } from '../terminal.ts';
import { whatKeeps } from '../what-keeps.ts';

export async function status(taskId: string, { json }: { readonly json?: boolean }): Promise<number> {
  return withClient(async (client) => {
    const seen = await client.describe(taskId);
    const view = await withReason(client, seen);
    const outcome = view.open ? undefined : await client.result(taskId);
    stdout.line(json ? JSON.stringify({ ...view, ...outcome }) : humanStatus(view, outcome));
    return EXIT.succeeded;
  });
}

async function withReason(client: TaskClient, view: TaskView): Promise<TaskView> {
  if (!view.open || view.problem !== undefined) return view;
  const keeps: Problem | undefined = await whatKeeps(client, view.taskId, Date.now());
  return keeps === undefined ? view : { ...view, problem: keeps };
}

function humanStatus(view: TaskView, outcome: TaskOutcome | undefined): string {
  const about = showStatus(view, Date.now());
  if (outcome === undefined) return about;
  return `${showEnding(view.taskId, outcome, painter(process.stdout))}\n\n${about}`;
}
