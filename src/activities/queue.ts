import type { V1Job } from '@kubernetes/client-node';
import type { AnchorRef, Ending, JobRef } from '../contract.ts';
import { problem } from '../errors.ts';
import { isEnding, wasLetGo } from '../fence.ts';
import type { Deps } from './deps.ts';
import { failedEnding } from './follow.ts';
import { FRESH_LOOKS, isReleasedHere, LONG_WAITS, longWait, LOOKS } from './long-wait.ts';
import type { Performing } from './perform.ts';

/** Queue: look until Kueue has let the Job go. Gives an ending only if the Job is gone before. Only reads; safe to abandon. */
export function queue(deps: Deps, anchor: AnchorRef, job: JobRef): Promise<Ending | undefined> {
  return longWait(deps, anchor, (performing) => untilLetGo(deps, anchor, job, performing));
}

async function untilLetGo(
  deps: Deps,
  anchor: AnchorRef,
  job: JobRef,
  { signal, show }: Performing,
): Promise<Ending | undefined> {
  show({ waitingFor: `Kueue to start Job ${job.name}, from queue ${anchor.queue}` });
  for (let freshAt = 0; ;) {
    const changed = deps.watch.changed(anchor.name, LONG_WAITS.every(LOOKS), signal);
    const isStale = Date.now() - freshAt >= LONG_WAITS.every(FRESH_LOOKS);
    if (!isReleasedHere(deps, anchor.name) && (isStale || !isQueued(deps.watch.see(anchor.name).job, job))) {
      const found = await deps.api.readJob(job.name, signal);
      freshAt = Date.now();
      if (!isOurs(found, job))
        return failedEnding(anchor, problem('JOB_DELETED', 'The Job was deleted while it was queued.'));
      if (wasLetGo(found)) return undefined;
    }
    await changed;
    signal.throwIfAborted();
  }
}

function isOurs(found: V1Job | undefined, job: JobRef): found is V1Job {
  return found !== undefined && found.metadata?.uid === job.uid && !isEnding(found);
}

const isQueued = (seen: V1Job | undefined, job: JobRef) => isOurs(seen, job) && !wasLetGo(seen);
