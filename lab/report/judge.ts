/** Pure: from what was seen of a case to what it means. Seconds in, seconds out are named so; the rest milliseconds. */
import { GRACE_SECONDS, PAYLOAD_SECONDS } from '../protocols/jobs.ts';
import type { ContainerSeen, Observation } from './observation.ts';

export interface Verdict {
  /** The record says that the task is over, and a Job or Pod of it lives. */
  readonly orphan: boolean;
  /** The record did not come to an end within the time that was waited. */
  readonly unsettled: boolean;
  /** Container-seconds after the cancel: to the container's real end, or to the payload's own end if it still ran. */
  readonly wastedSeconds: number;
  /** From the cancel to the last container's end; `never` if one still ran; absent if none ran after the cancel. */
  readonly stopMs?: number | 'never';
  /** Why the answer was untrue. */
  readonly untrue?: string;
  /** "Cancelled" was said while a container was still on its way out. */
  readonly early: boolean;
  /** From the cancel to the answer that settled it. */
  readonly answerMs?: number;
}

/** What the clock of the kubelet's report may be behind. */
const SLACK_MS = 250;

export function judge(seen: Observation): Verdict {
  const { cancelAt, lastAnswer, ended, liveJobs, livePods } = seen;
  const after = seen.containers.filter(({ stoppedAt = Infinity }) => stoppedAt > cancelAt);
  const last = Math.max(...after.map(({ stoppedAt = Infinity }) => stoppedAt));
  const untrue = whyUntrue(seen);
  return {
    orphan: ended !== undefined && liveJobs + livePods > 0,
    unsettled: ended === undefined,
    wastedSeconds: after.reduce((sum, container) => sum + wastedOf(container, cancelAt), 0) / 1_000,
    ...(after.length > 0 && { stopMs: last === Infinity ? 'never' : last - cancelAt }),
    ...(untrue !== undefined && { untrue }),
    early: untrue === undefined && saysCancelled(seen) && ranAfter(seen, SLACK_MS),
    ...(lastAnswer !== undefined && { answerMs: lastAnswer.at - cancelAt }),
  };
}

function wastedOf({ startedAt, stoppedAt }: ContainerSeen, cancelAt: number): number {
  const end = stoppedAt ?? startedAt + PAYLOAD_SECONDS * 1_000;
  return Math.max(0, end - Math.max(startedAt, cancelAt));
}

/** An answer is held to what it says, at the moment it was given and ever after. */
function whyUntrue(seen: Observation): string | undefined {
  const { lastAnswer, containers } = seen;
  if (lastAnswer === undefined) return undefined;
  const { answer, at } = lastAnswer;
  if (answer === 'cancelling') return undefined;
  if (answer === 'unknown_task') return 'said unknown, and the task was submitted';
  if (containers.some(({ startedAt }) => startedAt > at + SLACK_MS)) return `said ${answer}, then a container started`;
  if (ranAfter(seen, GRACE_SECONDS * 1_000)) return `said ${answer}, and a container ran on`;
  if (answer === 'cancelled_before_start' && containers.length > 0) return 'said before start, and a container had run';
  return undefined;
}

function ranAfter({ lastAnswer, containers }: Observation, byMs: number): boolean {
  const at = lastAnswer?.at ?? Infinity;
  return containers.some(({ stoppedAt = Infinity }) => stoppedAt > at + byMs);
}

function saysCancelled({ lastAnswer }: Observation): boolean {
  return lastAnswer !== undefined && lastAnswer.answer.includes('cancelled');
}
