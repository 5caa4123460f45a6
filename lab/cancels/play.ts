/** One case: a task whose Job ends by itself, a cancel aimed at that moment, and what was told and recorded. */
import { setTimeout as sleep } from 'node:timers/promises';
import { optionalTsToMs } from '@temporalio/common/lib/time.js';
import type { Task } from '../../src/contract.ts';
import type { Aim } from './aim.ts';
import type { Recorded, Seen, Told } from './judge.ts';
import type { CancelStage } from './stage.ts';

export interface Played extends Seen {
  /** From the Job's end to the cancel's sending; negative if that came first. Milliseconds. */
  readonly sentAfter: number;
  /** From the cancel's sending to the answer that settled it. Milliseconds. */
  readonly answeredIn: number;
}

const TASK: Task = { workload: 'command', image: 'played' };
/** Between the follow and the earliest of what is aimed. Milliseconds. */
const RUN_UP = 20;
/** A cancel that is not settled after so many answers is not settled. */
const ASKED = 10;

export async function play({ client, jobs, url }: CancelStage, id: string, aim: Aim): Promise<Played> {
  const job = jobs.add(id);
  try {
    await client.start(TASK, { id });
    await job.followed;
    const after = aim.next();
    const [endIn, sendIn] = [RUN_UP + Math.max(0, -after), RUN_UP + Math.max(0, after)];
    const ended = sleep(endIn).then(() => (job.succeed(), Date.now()));
    await sleep(sendIn);
    const sentAt = Date.now();
    const { told, unsettled } = await settled(() => cancel(url, id, `aimed at ${Math.round(after)} ms`));
    const answeredIn = Date.now() - sentAt;
    const endedAt = await ended;
    const again = await cancel(url, id, 'asked again');
    const recorded = await recordOf(client, id);
    const { closed, closedAt, request } = recorded;
    aim.learn({
      ...(request && { recordedIn: Date.parse(request.at) - sentAt }),
      ...(closed === 'completed' && { completedIn: Date.parse(closedAt) - endedAt }),
    });
    return { id, told, unsettled, again, recorded, job: job.became, sentAfter: sentAt - endedAt, answeredIn };
  } finally {
    job.stop();
    jobs.forget(id);
  }
}

async function settled(ask: () => Promise<Told>): Promise<{ readonly told: Told; readonly unsettled: number }> {
  for (let unsettled = 0; ; unsettled += 1) {
    const told = await ask();
    if ((told.status !== 202 && told.status !== 503) || unsettled === ASKED) return { told, unsettled };
  }
}

async function cancel(url: string, id: string, reason: string): Promise<Told> {
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ reason });
  const answer = await fetch(`${url}/v1/tasks/${id}/cancel?wait=30s`, { method: 'POST', headers, body });
  return { status: answer.status, body: (await answer.json()) as Told['body'] };
}

/** Temporal's own history, by Temporal's own client. */
async function recordOf({ temporal }: CancelStage['client'], id: string): Promise<Recorded> {
  const { events } = await temporal.workflow.getHandle(id).fetchHistory();
  const last = events?.at(-1);
  const at = (time: Parameters<typeof optionalTsToMs>[0]) => new Date(optionalTsToMs(time) ?? 0).toISOString();
  const request = events?.find((event) => event.workflowExecutionCancelRequestedEventAttributes);
  const reason = request?.workflowExecutionCancelRequestedEventAttributes?.cause ?? '';
  return {
    closed: last?.workflowExecutionCompletedEventAttributes
      ? 'completed'
      : last?.workflowExecutionCanceledEventAttributes
        ? 'cancelled'
        : 'otherwise',
    closedAt: at(last?.eventTime),
    ...(request && { request: { at: at(request.eventTime), reason } }),
  };
}
