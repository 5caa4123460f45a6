/**
 * The reason a cancel was given, which the SDK drops on its way in (temporalio/sdk-typescript#1626). Read from the
 * activation itself, so it is deterministic and replays.
 */
import type { WorkflowInterceptors } from '@temporalio/workflow';

let reason = '';

/** What the canceller said; empty if nothing. */
export function cancelReason(): string {
  return reason;
}

export function interceptors(): WorkflowInterceptors {
  return {
    internals: [
      {
        activate(input, next) {
          for (const job of input.activation.jobs ?? []) {
            if (job.cancelWorkflow) reason = job.cancelWorkflow.reason ?? '';
          }
          return next(input);
        },
      },
    ],
  };
}
