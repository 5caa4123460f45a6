/** Pure: what each task of a soak is, what is done to it and when; the same for the same seed and number. */
import { uniform } from '../report/random.ts';

export type Act = 'none' | 'cancel' | 'kill' | 'terminate';

/** What is waited for before it is done: the task is sent, or this is seen of it. `ending`: its container is about to end. */
export const SIGHTS = ['sent', 'anchor', 'job', 'started', 'running', 'ending'] as const;
export type Sight = (typeof SIGHTS)[number];

export interface Part {
  readonly number: number;
  /** How long its container runs, with one decimal. */
  readonly seconds: number;
  readonly act: Act;
  readonly sight: Sight;
  /** From the sight to the act. Milliseconds. */
  readonly delayMs: number;
}

/** Of all tasks; the others are left alone. */
const SHARES: Readonly<Record<Exclude<Act, 'none'>, number>> = { cancel: 0.35, kill: 0.05, terminate: 0.05 };

/** Seconds. */
const [SHORTEST, LONGEST] = [1, 8];
/** Around the moment at which the container ends; and after each other sight, at most. Milliseconds. */
const AROUND_MS = 500;
const MOMENT_MS = 100;

export function partOf(seed: number, number: number): Part {
  const random = (what: string) => uniform('soak', seed, number, what);
  const seconds = Math.round((SHORTEST + random('seconds') * (LONGEST - SHORTEST)) * 10) / 10;
  const sight = SIGHTS[Math.floor(random('sight') * SIGHTS.length)] ?? 'sent';
  return { number, seconds, act: actAt(random('act')), sight, delayMs: delayAfter(sight, seconds, random('delay')) };
}

function actAt(share: number): Act {
  const { cancel, kill, terminate } = SHARES;
  if (share < cancel) return 'cancel';
  if (share < cancel + kill) return 'kill';
  return share < cancel + kill + terminate ? 'terminate' : 'none';
}

function delayAfter(sight: Sight, seconds: number, share: number): number {
  if (sight === 'running') return share * seconds * 1_000;
  if (sight === 'ending') return seconds * 1_000 + (share * 2 - 1) * AROUND_MS;
  return share * MOMENT_MS;
}
