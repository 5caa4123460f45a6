/**
 * What every option of the background document shares, at its best: status changes are compare-and-set, the worker
 * drops what is cancelled, a call without an answer is made again, the queue delivers again when a worker dies, and
 * the kill waits until Job and Pods are gone. The options differ in what dispatcher and cancel handler do. What
 * follows a Job to its end is left out: in no scenario does one end by itself before it is judged.
 */
import type { Answer, Parts, Routes } from './protocol.ts';
import { isEnded, LIVE } from './records.ts';

/** T0 to T2. A message that is delivered again finds its own `provisioning`. */
export async function work({ records, dispatcher }: Parts, id: string): Promise<void> {
  if (!records.move(id, ['pending', 'provisioning'], 'provisioning')) return;
  if ((await dispatcher.post('/execute', id)) === 'created') records.move(id, ['provisioning'], 'running');
}

export function killRoute({ jobs }: Parts): Routes {
  return { '/kill': (id) => jobs.kill(id) };
}

/** T4 to T6. */
export async function cancel(parts: Parts, id: string): Promise<Answer> {
  const settled = withoutKill(parts, id);
  if (settled !== undefined) return settled;
  await parts.dispatcher.post('/kill', id);
  return cancelled(parts, id);
}

/** The answer, if the task has ended or no worker has seen it. */
export function withoutKill({ records }: Parts, id: string): Answer | undefined {
  const status = records.status(id);
  if (status === undefined) return 'unknown_task';
  if (isEnded(status)) return `already_${status}`;
  return records.move(id, ['pending'], 'cancelled') ? 'cancelled' : undefined;
}

/** Writes it into the record, unless it has ended otherwise meanwhile. */
export function cancelled({ records }: Parts, id: string): Answer {
  if (records.move(id, LIVE, 'cancelled')) return 'cancelled';
  const status = records.status(id);
  return status !== undefined && isEnded(status) ? `already_${status}` : 'unknown_task';
}
