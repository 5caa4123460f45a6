/** Whether this account may delete what a kill deletes: asked before anything is ended. Any account may ask that of itself. */
import { AuthorizationV1Api } from '@kubernetes/client-node';
import { ApiError, toApiError } from '../kubernetes/api-error.ts';
import { withSignal } from '../kubernetes/request-options.ts';
import type { KillGround } from './ground.ts';

const DELETED = [
  { group: 'batch', resource: 'jobs' },
  { group: '', resource: 'configmaps' },
  { group: '', resource: 'pods' },
] as const;
/** Longest time until an answer. Milliseconds. */
const ANSWER_MS = 5_000;

/** @throws ApiError `forbidden` if it may not; another if nobody answers */
export async function checkRights(ground: KillGround): Promise<void> {
  const reviews = ground.kube.makeApiClient(AuthorizationV1Api);
  const answers = await Promise.all(DELETED.map((kind) => mayDelete(reviews, ground.api.namespace, kind)));
  const missing = DELETED.filter((_, index) => answers[index] === false).map(({ resource }) => resource);
  if (missing.length === 0) return;
  throw new ApiError(
    'forbidden',
    `This account may not delete ${missing.join(', ')} in namespace ${ground.api.namespace}`,
  );
}

async function mayDelete(
  reviews: AuthorizationV1Api,
  namespace: string,
  kind: (typeof DELETED)[number],
): Promise<boolean> {
  const body = { spec: { resourceAttributes: { namespace, verb: 'delete', ...kind } } };
  try {
    const { status } = await reviews.createSelfSubjectAccessReview(
      { body },
      withSignal(AbortSignal.timeout(ANSWER_MS)),
    );
    return status?.allowed ?? false;
  } catch (error) {
    const refusal = toApiError(error, `ask whether ${kind.resource} may be deleted`);
    // Who must not even ask will see: a kill is not to be refused for that.
    if (refusal.kind === 'forbidden') return true;
    throw refusal;
  }
}
