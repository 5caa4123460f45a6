/** Whether this account may delete what a kill deletes: asked before anything is ended. */
import { ApiError } from '../kubernetes/api-error.ts';
import type { KillGround } from './ground.ts';

const DELETED = [
  { group: 'batch', resource: 'jobs' },
  { group: '', resource: 'configmaps' },
  { group: '', resource: 'pods' },
] as const;

/** @throws ApiError `forbidden` if it may not; another if nobody answers */
export async function checkRights({ api }: KillGround): Promise<void> {
  const answers = await Promise.all(DELETED.map(({ group, resource }) => api.mayDelete(group, resource)));
  const missing = DELETED.filter((_, index) => answers[index] === false).map(({ resource }) => resource);
  if (missing.length === 0) return;
  throw new ApiError('forbidden', `This account may not delete ${missing.join(', ')} in namespace ${api.namespace}`);
}
