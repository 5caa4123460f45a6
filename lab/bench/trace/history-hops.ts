/** Pure: the events of a history as hops. */
import type { temporal } from '@temporalio/proto';
import type { Hop } from './hop.ts';

type Event = temporal.api.history.v1.IHistoryEvent;

export function hopsOfHistory(
  events: readonly Event[],
  millisecondsOf: (time: Event['eventTime']) => number | undefined,
): readonly Hop[] {
  const names = new Map<string, string>();
  const begun = new Map<string, number>();
  return events.flatMap((event): Hop[] => {
    const at = millisecondsOf(event.eventTime);
    if (at === undefined) return [];
    const told = tell(event, names);
    if (told === undefined) return [];
    const since = told.since === undefined ? undefined : begun.get(told.since);
    begun.set(String(event.eventId), at);
    return [{ at, who: 'Temporal', what: told.what, ...(since !== undefined && { took: at - since }) }];
  });
}

/** `since` is the event from which it took its time. */
function tell(event: Event, names: Map<string, string>): { what: string; since?: string } | undefined {
  const {
    activityTaskScheduledEventAttributes: scheduled,
    activityTaskStartedEventAttributes: started,
    activityTaskCompletedEventAttributes: completed,
    workflowTaskStartedEventAttributes: taken,
    workflowTaskCompletedEventAttributes: decided,
    workflowExecutionSignaledEventAttributes: signal,
  } = event;
  if (event.workflowExecutionStartedEventAttributes) return { what: 'the task is recorded' };
  if (event.workflowExecutionCancelRequestedEventAttributes) return { what: 'the cancel is recorded' };
  if (event.workflowExecutionCompletedEventAttributes) return { what: 'the outcome is recorded' };
  if (event.workflowExecutionCanceledEventAttributes) return { what: 'the outcome is recorded' };
  if (signal) return { what: `signal ${signal.signalName}` };
  if (event.workflowTaskScheduledEventAttributes) return { what: 'workflow task scheduled' };
  if (taken) return { what: 'workflow task taken', since: String(taken.scheduledEventId) };
  if (decided) return { what: 'workflow task done', since: String(decided.startedEventId) };
  if (scheduled) {
    names.set(String(event.eventId), scheduled.activityType?.name ?? '');
    return { what: `activity ${scheduled.activityType?.name} scheduled` };
  }
  if (started)
    return {
      what: `activity ${names.get(String(started.scheduledEventId))} taken`,
      since: String(started.scheduledEventId),
    };
  if (completed)
    return {
      what: `activity ${names.get(String(completed.scheduledEventId))} done`,
      since: String(completed.startedEventId),
    };
  return undefined;
}
