/**
 * Option 6: requests and cancels are events in one stream (a Redis stream, with a consumer group); the dispatcher
 * consumes them, those of one task in order, and acknowledges an event only when its work is done, so that a consumer
 * that died takes it up again. The status is a projection that the dispatcher writes.
 *
 * As written, "cancelled" is said when the event is in the stream, and a create may be aborted: giving up a call is no
 * proof that it does not land, so here, at its best, the cancel's turn comes when the create has been answered.
 *
 * Assumes that the consumer lives, and that a create never lands after its caller has given up. Price: a Redis stream;
 * no cancel is answered while the consumer is down. Broken by a create that lands after its caller has given up or died.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { naive } from './naive.ts';
import { cancelled, withoutKill } from './platform.ts';
import type { Answer, Baseline, Parts, Routes } from './protocol.ts';
import { isEnded } from './records.ts';
import type { Redis } from './redis.ts';

const STREAM = 'events';
const GROUP = 'dispatcher';

type Kind = 'requested' | 'cancel_requested';

interface Event {
  readonly entry: string;
  readonly kind: Kind;
  readonly id: string;
}

async function publish(redis: Redis, kind: Kind, id: string): Promise<void> {
  await redis.xAdd(STREAM, '*', { kind, id });
}

async function work({ redis }: Parts, id: string): Promise<void> {
  await publish(redis, 'requested', id);
}

async function cancel(parts: Parts, id: string): Promise<Answer> {
  const settled = withoutKill(parts, id);
  if (settled !== undefined) return settled;
  await publish(parts.redis, 'cancel_requested', id);
  for (;;) {
    const status = parts.records.status(id);
    if (status === 'cancelled') return 'cancelled';
    if (status === undefined || isEnded(status)) return status === undefined ? 'unknown_task' : `already_${status}`;
    await sleep(50);
  }
}

/** Nothing is served; the process consumes. */
function dispatch(parts: Parts): Routes {
  void consume(parts);
  return {};
}

async function consume(parts: Parts): Promise<void> {
  const reader = await parts.redis.duplicate().connect();
  await reader.xGroupCreate(STREAM, GROUP, '0', { MKSTREAM: true }).catch(() => undefined);
  /** Work of one task is done one after the other; different tasks go on side by side. */
  const turns = new Map<string, Promise<void>>();
  const enqueue = (event: Event) => {
    const before = turns.get(event.id) ?? Promise.resolve();
    turns.set(
      event.id,
      before.then(() => insist(parts, event)),
    );
  };
  // What was delivered to a consumer that died, then what is new.
  for (const event of await read(reader, '0')) enqueue(event);
  for (;;) for (const event of await read(reader, '>')) enqueue(event);
}

async function read(reader: Redis, from: '0' | '>'): Promise<readonly Event[]> {
  const answer = await reader.xReadGroup(GROUP, 'one', { key: STREAM, id: from }, { COUNT: 1_000, BLOCK: 1_000 });
  const streams = (answer ?? []) as { messages: { id: string; message: { kind: Kind; id: string } }[] }[];
  return streams.flatMap(({ messages }) =>
    messages.map(({ id: entry, message }) => ({ entry, kind: message.kind, id: message.id })),
  );
}

/** An event that failed is tried again, as a redelivery would. */
async function insist(parts: Parts, event: Event): Promise<void> {
  for (;;)
    try {
      await apply(parts, event);
      await parts.redis.xAck(STREAM, GROUP, event.entry);
      return;
    } catch {
      await sleep(200);
    }
}

async function apply(parts: Parts, { kind, id }: Event): Promise<void> {
  const { records, jobs } = parts;
  if (kind === 'cancel_requested') {
    await jobs.kill(id);
    cancelled(parts, id);
    return;
  }
  if (!records.move(id, ['pending', 'provisioning'], 'provisioning')) return;
  await jobs.create(id);
  records.move(id, ['provisioning'], 'running');
}

export const eventSourcing: Baseline = {
  ...naive,
  name: 'event-sourcing',
  title: 'Option 6: event sourcing',
  assumes: 'the consumer lives; no create lands after its caller has given up',
  price: 'a Redis stream; no cancel is answered while the consumer is down',
  needsRedis: true,
  work,
  dispatch,
  cancel,
};
