/**
 * Cases in which the worker dies or freezes with a request on the wire. One worker is many tasks', so those with the
 * same fault go together: each is brought to its request, then the worker is hit once for all.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../proxy/fault-proxy.ts';
import { Gate } from '../proxy/gate.ts';
import type { WorkerProcess } from '../stage/worker-process.ts';
import type { Case } from './cases.ts';
import type { Player } from './player.ts';
import type { Schedule } from './schedule.ts';
import type { CaseResult, Theatre } from './theatre.ts';

export type WorkerCase = Extract<Case, { kind: 'worker' }>;

/** How long the tasks of a batch have to come to their request; who does not ends without its fault. */
const REACH_MS = 12_000;
/** A thawed worker sends what it had in hand; so long is watched. */
const THAW_MS = 3_000;

interface Role {
  readonly item: WorkerCase;
  readonly player: Player;
  readonly reached: Gate;
}

/** All cases of a batch have the same fault. */
export async function playBatch(theatre: Theatre, items: readonly WorkerCase[]): Promise<readonly CaseResult[]> {
  const freezes = items[0]?.fault.startsWith('freeze') ?? false;
  const first = theatre.stage.worker;
  const hit = new Gate();
  const after = new Gate();
  const roles = await Promise.all(items.map((item) => begin(theatre, item, hit, after)));
  const reached = Promise.all(roles.map((role) => role.reached.opened));
  await Promise.race([reached, sleep(REACH_MS, undefined, { ref: false })]);
  if (freezes) first.signal('SIGSTOP');
  else await first.end('SIGKILL');
  hit.open();
  await theatre.stage.startWorker();
  after.open();
  const settled = freezes ? thaw(theatre, first, roles) : Promise.resolve();
  const results = await Promise.all(roles.map(({ item, player }) => theatre.finish(item, player, settled)));
  if (freezes) await first.end('SIGKILL');
  return results;
}

/** The zombie wakes when all has been told, and acts on what it had in hand. */
async function thaw(theatre: Theatre, zombie: WorkerProcess, roles: readonly Role[]): Promise<void> {
  await Promise.all(roles.map(({ player }) => theatre.stage.client.result(player.taskId)));
  zombie.signal('SIGCONT');
  await sleep(THAW_MS);
}

async function begin(theatre: Theatre, item: WorkerCase, hit: Gate, after: Gate): Promise<Role> {
  const reached = new Gate();
  const late = new Gate();
  const player = await theatre.begin(scheduleFor(item, reached, late));
  const cancel = () => void player.cancelNow();
  if (item.cancel === 'before') void reached.opened.then(cancel);
  if (item.cancel === 'during') void hit.opened.then(cancel);
  if (item.cancel === 'after') void after.opened.then(cancel);
  return { item, player, reached };
}

function scheduleFor(item: WorkerCase, reached: Gate, late: Gate): Schedule {
  const faultAt = (position: number): Fault => {
    if (position !== item.at) return { do: 'pass' };
    reached.open();
    return item.fault.endsWith('before') ? { do: 'hold', until: late } : { do: 'hold answer', until: late };
  };
  return { faultAt, cancel: undefined, late };
}
