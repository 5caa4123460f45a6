/** Temporal's record of a run, from its newest event back: what is new costs little, however large the task's input is. */
import type { Client } from '@temporalio/client';
import type { temporal } from '@temporalio/proto';

type HistoryEvent = temporal.api.history.v1.IHistoryEvent;

const PAGE = 20;

export async function* newestFirst(
  { options, workflowService }: Client,
  { taskId, runId }: { readonly taskId: string; readonly runId: string },
): AsyncGenerator<HistoryEvent> {
  let nextPageToken: Uint8Array | null | undefined;
  do {
    const page = await workflowService.getWorkflowExecutionHistoryReverse({
      namespace: options.namespace,
      execution: { workflowId: taskId, runId },
      maximumPageSize: PAGE,
      ...(nextPageToken && { nextPageToken }),
    });
    yield* page.history?.events ?? [];
    nextPageToken = page.nextPageToken;
  } while (nextPageToken && nextPageToken.length > 0);
}
