/** Pure: when a worker is killed and when the API server is restarted. */
import { uniform } from '../report/random.ts';

export type Target = 'worker' | 'API server';

export interface Hit {
  readonly target: Target;
  /** Since the soak began. Seconds. */
  readonly at: number;
}

/** From one hit to the next, at least and at most. Seconds. */
const PAUSES: Readonly<Record<Target, readonly [number, number]>> = { worker: [60, 120], 'API server': [180, 300] };
/** A soak that is shorter than this is hit more often, but not more than so much. */
const USUAL_SECONDS = 600;
const MOST_OFTEN = 0.4;

/** In order of time. The first hit of each comes after half a pause. */
export function hitsOf(seed: number, seconds: number): readonly Hit[] {
  const often = Math.max(MOST_OFTEN, Math.min(1, seconds / USUAL_SECONDS));
  const all = (Object.keys(PAUSES) as Target[]).flatMap((target) => hitsOn(target, seed, seconds, often));
  return all.toSorted((a, b) => a.at - b.at);
}

function hitsOn(target: Target, seed: number, seconds: number, often: number): readonly Hit[] {
  const [least, most] = PAUSES[target];
  const pause = (number: number) => (least + uniform('hit', seed, target, number) * (most - least)) * often;
  const hits: Hit[] = [];
  for (let at = pause(0) / 2; at < seconds; at += pause(hits.length)) hits.push({ target, at });
  return hits;
}
