/** Pure: an answer held against Temporal's history and what became of the Job. */
import type { WireCancel } from '../../src/gateway/wire/cancel.ts';

export interface Told {
  /** HTTP. */
  readonly status: number;
  readonly body: Partial<WireCancel>;
}

/** Of the one run of the task, read past the product. Times as RFC 3339. */
export interface Recorded {
  readonly closed: 'completed' | 'cancelled' | 'otherwise';
  readonly closedAt: string;
  readonly request?: { readonly at: string; readonly reason: string };
}

export interface Seen {
  readonly id: string;
  /** The answer that settled it. */
  readonly told: Told;
  /** Answers before that one which settled nothing and may be repeated: 202 and 503. */
  readonly unsettled: number;
  /** The same was asked once more. */
  readonly again: Told;
  readonly recorded: Recorded;
  readonly job: 'succeeded' | 'stopped' | undefined;
}

/** Everything in which an answer is not true; empty if it is. */
export function untruths({ told, unsettled, again, recorded, job }: Seen): readonly string[] {
  const { closed } = recorded;
  const world = closed === 'cancelled' ? 'stopped' : 'succeeded';
  const later = closed === 'cancelled' ? 'already_cancelled' : 'already_completed';
  // Whoever had to ask again may have been the one whose cancel took effect before.
  const first = closed === 'cancelled' && (unsettled === 0 || told.body.status === 'cancelled') ? 'cancelled' : later;
  return [
    ...(closed === 'otherwise' ? ['history has neither completed nor cancelled'] : []),
    ...(job === world ? [] : [`history says ${closed}, and the Job ${job ?? 'still runs'}`]),
    ...untrueIn(told, first, recorded),
    ...untrueIn(again, later, recorded).map((untruth) => `asked again: ${untruth}`),
  ];
}

function untrueIn(
  { status, body }: Told,
  expected: WireCancel['status'],
  { closed, closedAt, request }: Recorded,
): readonly string[] {
  if (status !== 200) return [`it was answered with ${status}`];
  const isCancelled = closed === 'cancelled';
  const truth: Partial<WireCancel> = {
    status: expected,
    outcome: isCancelled ? 'cancelled' : 'succeeded',
    completed_at: closedAt,
    cancelled_at: isCancelled ? closedAt : null,
    requested_at: request?.at ?? null,
    cancellation_reason: request?.reason ?? null,
  };
  return Object.entries(truth).flatMap(([field, value]) => {
    const said = body[field as keyof WireCancel];
    return said === value ? [] : [`${field} is ${JSON.stringify(said)}, and history says ${JSON.stringify(value)}`];
  });
}
