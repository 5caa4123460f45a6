/** Whether release was for a cancel, and since when: asked of Temporal after the proof, for the metrics alone. */
import { activityInfo, getClient } from '@temporalio/activity';
import { optionalTsToMs } from '@temporalio/common/lib/time.js';
import type { Deps } from './deps.ts';

/** Newest events that are read: a cancel and the release that it led to lie close together. */
const EVENTS = 50;
const DEADLINE_MS = 5_000;

/** Calls `count` with the moment of the cancel that this release answers, if there is one. Nobody waits for it. */
export function ifCancelled(deps: Deps, count: (requestedAt: number) => void): void {
  void cancelRequestedAt()
    .then((at) => (at === undefined ? undefined : count(at)))
    .catch((error: unknown) => deps.log.debug({ error: String(error) }, 'a cancel was not counted'));
}

/** Milliseconds since 1970. A cancel that came after release was asked for found a task that had ended otherwise. */
async function cancelRequestedAt(): Promise<number | undefined> {
  const { activityId, workflowExecution } = activityInfo();
  const client = getClient();
  const tail = {
    namespace: client.options.namespace,
    execution: workflowExecution ?? null,
    maximumPageSize: EVENTS,
  };
  const { history } = await client.withDeadline(Date.now() + DEADLINE_MS, () =>
    client.workflowService.getWorkflowExecutionHistoryReverse(tail),
  );
  const events = history?.events ?? [];
  const asked = events.findIndex((event) => event.activityTaskScheduledEventAttributes?.activityId === activityId);
  if (asked === -1) return undefined;
  const cancel = events.slice(asked).find((event) => event.workflowExecutionCancelRequestedEventAttributes);
  return optionalTsToMs(cancel?.eventTime);
}
