/**
 * Cases in which the worker dies or freezes. One worker is many tasks', so they go together: those with the same fault
 * are each brought to their request, then the worker is hit once for all; in a storm it is hit whenever it is.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../proxy/fault-proxy.ts';
import { Gate } from '../proxy/gate.ts';
import type { WorkerProcess } from '../stage/worker-process.ts';
import { type Case, randomOf } from './cases.ts';
import type { Player } from './player.ts';
import { type Schedule, scheduleOf } from './schedule.ts';
import type { CaseResult, Theatre } from './theatre.ts';

export type WorkerCase = Extract<Case, { kind: 'worker' }>;
export type StormCase = Extract<Case, { kind: 'storm' }>;

/** How long the tasks of a batch have to come to their request; who does not ends without its fault. */
const REACH_MS = 12_000;
/** A thawed worker sends what it had in hand; so long is watched. */
const THAW_MS = 3_000;

/** In a storm: how often the worker is hit at most, how long it lives in between, and how often it is only frozen. */
const HITS = 3;
const LIFE_MS = 4_000;
const FREEZES = 0.3;

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
  const settled = thaw(
    theatre,
    freezes ? [first] : [],
    roles.map(({ player }) => player),
  );
  return Promise.all(roles.map(({ item, player }) => theatre.finish(item, player, settled)));
}

/** The tasks of a batch share a worker, and so its hits, which the first of them gives. */
export async function playStorm(theatre: Theatre, items: readonly StormCase[]): Promise<readonly CaseResult[]> {
  const random = randomOf(items[0]?.seed ?? 0);
  const players = await Promise.all(items.map((item) => theatre.begin(scheduleOf(item))));
  const calm = new Gate();
  const results = Promise.all(
    items.map((item, index) => {
      const player = players[index];
      if (player === undefined) throw new TypeError(`${item.id} has no player`);
      return theatre.finish(item, player, calm.opened);
    }),
  );
  const frozen: WorkerProcess[] = [];
  for (let hits = Math.ceil(random() * HITS); hits > 0; hits -= 1) {
    await sleep(random() * LIFE_MS);
    const { worker } = theatre.stage;
    if (random() < FREEZES) {
      worker.signal('SIGSTOP');
      frozen.push(worker);
    } else {
      await worker.end('SIGKILL');
    }
    await theatre.stage.startWorker();
  }
  await thaw(theatre, frozen, players);
  calm.open();
  return results;
}

/** Zombies wake when all has been told, act on what they had in hand, and end. */
async function thaw(theatre: Theatre, zombies: readonly WorkerProcess[], players: readonly Player[]): Promise<void> {
  if (zombies.length === 0) return;
  await Promise.all(players.map(({ taskId }) => theatre.stage.client.result(taskId)));
  for (const zombie of zombies) zombie.signal('SIGCONT');
  await sleep(THAW_MS);
  await Promise.all(zombies.map((zombie) => zombie.end('SIGKILL')));
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
