/** Which Temporal namespace this is, whatever it is called and wherever its server is. */
import type { Client } from '@temporalio/client';
import { HoldfastError } from './errors.ts';
import { isNotFound, reasonOf, unknownNamespace } from './temporal-problem.ts';

/** @throws HoldfastError TEMPORAL_UNREACHABLE; CONFIG_INVALID if Temporal has no namespace of this name. */
export async function namespaceId(client: Client): Promise<string> {
  const id = (await describeNamespace(client)).namespaceInfo?.id;
  if (id) return id;
  const { namespace } = client.options;
  throw new HoldfastError('TEMPORAL_UNREACHABLE', `Temporal gives no id for its namespace ${namespace}.`);
}

/** @throws HoldfastError TEMPORAL_UNREACHABLE; CONFIG_INVALID if Temporal has no namespace of this name. */
export function describeNamespace(client: Client) {
  const { namespace } = client.options;
  return client.workflowService.describeNamespace({ namespace }).catch((cause: unknown) => {
    if (isNotFound(cause))
      throw new HoldfastError('CONFIG_INVALID', unknownNamespace(namespace).message, { namespace }, { cause });
    const message = `Temporal does not describe its namespace ${namespace}: ${reasonOf(cause)}`;
    throw new HoldfastError('TEMPORAL_UNREACHABLE', message, { namespace }, { cause });
  });
}
