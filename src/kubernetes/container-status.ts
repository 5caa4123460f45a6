/** What a Pod says of its containers. */
import type { V1ContainerStatus, V1Pod } from '@kubernetes/client-node';

/** Of each container that the Pod was made with, those that prepare it first. */
export function statusesOf({ status }: V1Pod): readonly V1ContainerStatus[] {
  return [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
}

export function hasBegun({ state }: V1ContainerStatus): boolean {
  return state?.running !== undefined || state?.terminated !== undefined;
}
