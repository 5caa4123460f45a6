/**
 * Who is let in next. Higher priority first; of those alike, the tenant that holds the fewest slots; of those alike, who
 * came first. Whoever may not be let in, because the tenant has all that it may have, keeps nobody else waiting.
 *
 * Pure; the limiter workflow keeps the state and carries out what is said here.
 */
import type { Claim, LimiterState, Limits } from './contract.ts';

/** `new`: the run has not been told yet. `again`: it was told, and has asked once more. */
export interface Slot extends Claim {
  readonly grant: 'new' | 'told' | 'again';
}

export interface Queue {
  readonly limits: Limits;
  /** Longest held first. */
  readonly held: readonly Slot[];
  /** In order of arrival. */
  readonly waiting: readonly Claim[];
}

export const NOBODY: Queue = { limits: {}, held: [], waiting: [] };

/** A run asks. Asked again it keeps its place, or its slot, of which it is told again. */
export function asked(queue: Queue, claim: Claim): Queue {
  const { held, waiting } = queue;
  if (held.some(({ run }) => run === claim.run)) return grant(queue, claim.run, 'again');
  const place = waiting.findIndex(({ run }) => run === claim.run);
  return { ...queue, waiting: place === -1 ? [...waiting, claim] : waiting.with(place, claim) };
}

/** A run is no more: it gives back its slot, or leaves its place. */
export function freed(queue: Queue, gone: string): Queue {
  const others = <T extends Claim>(claims: readonly T[]) => claims.filter(({ run }) => run !== gone);
  return { ...queue, held: others(queue.held), waiting: others(queue.waiting) };
}

/** The queue of a limiter that begins: nobody has asked yet, and these were found to hold a slot. */
export function heldBy(found: readonly Claim[]): Queue {
  return { ...NOBODY, held: found.map((claim) => ({ ...claim, grant: 'told' })) };
}

/** Lets in whoever may be let in, at most so many. */
export function letIn(queue: Queue, atMost: number): Queue {
  let now = queue;
  for (let left = atMost; left > 0; left -= 1) {
    const next = nextIn(now);
    if (next === undefined) return now;
    const waiting = now.waiting.filter((claim) => claim !== next);
    now = { ...now, held: [...now.held, { ...next, grant: 'new' }], waiting };
  }
  return now;
}

export function nextIn({ limits, held, waiting }: Queue): Claim | undefined {
  const { running = Infinity, perTenant = Infinity } = limits;
  if (waiting.length === 0 || held.length >= running) return undefined;
  const has = countByTenant(held);
  const slotsOf = ({ tenant }: Claim) => has.get(tenant) ?? 0;
  const isBefore = (a: Claim, b: Claim) =>
    a.priority === b.priority ? slotsOf(a) < slotsOf(b) : a.priority < b.priority;
  return waiting
    .filter((claim) => slotsOf(claim) < perTenant)
    .reduce<Claim | undefined>(
      (best, claim) => (best === undefined || isBefore(claim, best) ? claim : best),
      undefined,
    );
}

/** Whose grant is still to be told. */
export function untold({ held }: Queue): readonly Slot[] {
  return held.filter((slot) => slot.grant !== 'told');
}

export function told(queue: Queue, run: string): Queue {
  return grant(queue, run, 'told');
}

/**
 * The run could not be told: its task is over. A grant that it never had was never used, so the next may have the slot;
 * of one that it had, only Kubernetes knows whether anything is left.
 */
export function untellable(queue: Queue, run: string): Queue {
  const slot = queue.held.find((one) => one.run === run);
  return slot?.grant === 'new' ? freed(queue, run) : told(queue, run);
}

function grant(queue: Queue, run: string, to: Slot['grant']): Queue {
  const change = (slot: Slot): Slot =>
    slot.run !== run || (slot.grant === 'new' && to === 'again') ? slot : { ...slot, grant: to };
  return { ...queue, held: queue.held.map(change) };
}

/** As much of the queue as fits: every slot, and of those who wait the ones that came first. The others ask again. */
export function cut(queue: Queue, bytes: number): Queue {
  const size = (claim: Claim) => new TextEncoder().encode(JSON.stringify(claim)).length + 1;
  let left = queue.held.reduce((rest, slot) => rest - size(slot), bytes);
  const fits = (claim: Claim) => (left -= size(claim)) >= 0;
  const end = queue.waiting.findIndex((claim) => !fits(claim));
  return end === -1 ? queue : { ...queue, waiting: queue.waiting.slice(0, end) };
}

export function stateOf({ limits, held, waiting }: Queue): LimiterState {
  const [holding, queueing] = [countByTenant(held), countByTenant(waiting)];
  const names = [...new Set([...holding.keys(), ...queueing.keys()])].toSorted();
  const tenants = names.map((name) => [name, { held: holding.get(name) ?? 0, waiting: queueing.get(name) ?? 0 }]);
  return { limits, held: held.length, waiting: waiting.length, tenants: Object.fromEntries(tenants) };
}

function countByTenant(claims: readonly Claim[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { tenant } of claims) counts.set(tenant, (counts.get(tenant) ?? 0) + 1);
  return counts;
}
