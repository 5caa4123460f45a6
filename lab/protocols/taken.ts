/**
 * Options 3 and 5 at their best share this: a word in a store is taken by the dispatcher in one atomic step, and what
 * became of it is reported in the same place. A cancel that finds it free makes it invalid, and nothing will be made;
 * one that finds it taken waits for the report. A call that finds it taken by a call before goes on in its place.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Marks } from './marks.ts';
import { cancelled, withoutKill } from './platform.ts';
import type { Answer, Parts, Reply } from './protocol.ts';

export async function issue(marks: Marks, id: string): Promise<void> {
  await marks.swap(id, [''], 'valid');
}

export async function takeAndCreate({ jobs }: Parts, marks: Marks, id: string): Promise<Reply> {
  const was = await marks.swap(id, ['valid'], 'taken');
  if (was === 'created') return 'created';
  if (was !== 'valid' && was !== 'taken') return 'refused';
  await jobs.create(id);
  await marks.swap(id, ['taken'], 'created');
  return 'created';
}

export async function cancelTaken(parts: Parts, marks: Marks, id: string): Promise<Answer> {
  const settled = withoutKill(parts, id);
  if (settled !== undefined) return settled;
  for (;;) {
    const was = await marks.swap(id, ['', 'valid'], 'invalid');
    if (was === 'created') break;
    if (was !== 'taken') return cancelled(parts, id);
    await sleep(50);
  }
  await parts.dispatcher.post('/kill', id);
  return cancelled(parts, id);
}
