/** How many of a task there were at the same time, as the API server's own watch told it. */
import type { Glimpse, Sort } from './eyes.ts';

/** Jobs count from their start until they are deleted, Pods as long as a container of theirs runs. */
export function mostAtOnce(glimpses: readonly Glimpse[], sort: Exclude<Sort, 'ConfigMap'>): number {
  const live = new Set<string>();
  let most = 0;
  for (const glimpse of glimpses.filter(({ kind }) => kind === sort)) {
    if (glimpse.live) live.add(glimpse.uid);
    else live.delete(glimpse.uid);
    most = Math.max(most, live.size);
  }
  return most;
}
