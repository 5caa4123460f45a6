import type { AnchorRef } from '../contract.ts';
import { HoldfastError } from '../errors.ts';
import type { Deps } from './deps.ts';
import { toFailure } from './perform.ts';

/**
 * A worker that was given another namespace sees nothing of a task that was made before, and nothing found there is no
 * proof of anything: it fails, and is tried again, by a worker that can see it if there is one.
 */
export async function inOwnNamespace<T>(
  { api }: Pick<Deps, 'api'>,
  made: AnchorRef | undefined,
  verb: () => Promise<T>,
): Promise<T> {
  if (made === undefined || made.namespace === api.namespace) return verb();
  const [theirs, ours] = [made.namespace, api.namespace];
  const message = `The task was made in namespace ${theirs}, and HOLDFAST_KUBE_NAMESPACE of this worker is ${ours}.`;
  throw toFailure(new HoldfastError('OTHER_NAMESPACE', message, { namespace: theirs }));
}
