/**
 * Option 4: the dispatcher claims "creating" with SET NX, and looks at cancel_requested before and after the create.
 *
 * As written, cancel says "cancelled" at once. At its best, and so here, only when the claim was free (and is now its
 * own) or when the dispatcher has reported after its second look.
 *
 * Assumes that the dispatcher always comes back to its second look, and that a create never lands after its caller has
 * given up. Price: a Redis on the path of every create and cancel; a cancel waits for the dispatcher. Broken by a
 * create that lands after its caller has given up or died: there is no third look.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { naive } from './naive.ts';
import { cancelled, killRoute, withoutKill } from './platform.ts';
import type { Answer, Baseline, Parts, Reply, Routes } from './protocol.ts';

const claimOf = (id: string) => `claim:${id}`;
const flagOf = (id: string) => `cancel_requested:${id}`;

async function execute({ redis, jobs }: Parts, id: string): Promise<Reply> {
  const claimed = await redis.set(claimOf(id), 'creating', { condition: 'NX' });
  const claim = claimed === null ? await redis.get(claimOf(id)) : 'creating';
  // "creating" by a call before, whose dispatcher may be dead: it is gone on with.
  if (claim !== 'creating') return claim === 'created' ? 'created' : 'refused';
  if ((await redis.get(flagOf(id))) !== null) {
    await redis.set(claimOf(id), 'stopped');
    return 'refused';
  }
  await jobs.create(id);
  if ((await redis.get(flagOf(id))) !== null) {
    await jobs.kill(id);
    await redis.set(claimOf(id), 'stopped');
    return 'refused';
  }
  await redis.set(claimOf(id), 'created');
  return 'created';
}

async function cancel(parts: Parts, id: string): Promise<Answer> {
  const { redis, dispatcher } = parts;
  const settled = withoutKill(parts, id);
  if (settled !== undefined) return settled;
  await redis.set(flagOf(id), '1');
  while ((await redis.set(claimOf(id), 'stopped', { condition: 'NX' })) === null) {
    const claim = await redis.get(claimOf(id));
    if (claim === 'stopped') break;
    if (claim === 'created') {
      await dispatcher.post('/kill', id);
      break;
    }
    await sleep(50);
  }
  return cancelled(parts, id);
}

function dispatch(parts: Parts): Routes {
  return { ...killRoute(parts), '/execute': (id) => execute(parts, id) };
}

export const stateMachine: Baseline = {
  ...naive,
  name: 'state-machine',
  title: 'Option 4: atomic state machine with cancel_requested',
  assumes: 'the dispatcher always comes back to its second look; no create lands after its caller has given up',
  price: 'Redis; a cancel waits for the dispatcher',
  needsRedis: true,
  dispatch,
  cancel,
};
