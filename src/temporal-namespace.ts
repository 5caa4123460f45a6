/** Which Temporal namespace this is, whatever it is called and wherever its server is. */
import type { Client } from '@temporalio/client';
import { HoldfastError } from './errors.ts';

export async function namespaceId(client: Client): Promise<string> {
  const { namespace } = client.options;
  const described = await client.workflowService.describeNamespace({ namespace }).catch((cause: unknown) => {
    const message = `Temporal does not describe its namespace ${namespace}: ${String(cause)}`;
    throw new HoldfastError('TEMPORAL_UNREACHABLE', message, { namespace }, { cause });
  });
  const id = described.namespaceInfo?.id;
  if (!id) throw new HoldfastError('TEMPORAL_UNREACHABLE', `Temporal gives no id for its namespace ${namespace}.`);
  return id;
}
