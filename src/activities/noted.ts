import { isTerminal, isTracked } from '../fence.ts';
import type { Deps } from './deps.ts';

/**
 * Until the Job controller has noted the end of a run's Pods, if they have ended and it has yet to. Then the Job can be
 * deleted in the background, which is half of the work for API server and garbage collector.
 */
export async function untilNoted(
  { watch, stopping }: Pick<Deps, 'watch' | 'stopping'>,
  run: string,
  ms: number,
  signal: AbortSignal,
): Promise<void> {
  for (const until = Date.now() + ms; !stopping.aborted && Date.now() < until;) {
    const changed = watch.changed(run, until - Date.now(), AbortSignal.any([signal, stopping]));
    const { pods } = watch.see(run);
    if (!pods.every(isTerminal) || !pods.some(isTracked)) return;
    await changed;
    signal.throwIfAborted();
  }
}
