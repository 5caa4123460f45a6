import type { Client } from '@temporalio/client';
import { expect, it } from 'vitest';
import { HoldfastClient } from '../../src/client.ts';

it('asks for the id of its namespace once, and again only if that failed', async () => {
  const answers = [new Error('away'), { namespaceInfo: { id: 'uuid' } }];
  let asked = 0;
  const describeNamespace = async () => {
    const answer = answers[asked];
    asked += 1;
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const temporal = { options: { namespace: 'n' }, workflowService: { describeNamespace } } as unknown as Client;
  const client = new HoldfastClient(temporal, { taskQueue: 'q', logDir: '/nowhere' });
  await expect(client.namespaceId()).rejects.toMatchObject({ code: 'TEMPORAL_UNREACHABLE' });
  expect(await Promise.all([client.namespaceId(), client.namespaceId()])).toEqual(['uuid', 'uuid']);
  expect(await client.namespaceId()).toBe('uuid');
  expect(asked).toBe(2);
});

it('refuses a start once, for all that is wrong with task, id and priority, and asks Temporal nothing', async () => {
  const client = new HoldfastClient({} as Client, { taskQueue: 'q', logDir: '/nowhere' });
  const refused = client.start({ workload: 'command', image: 'A B' }, { id: 'a ', priority: 9 });
  await expect(refused).rejects.toMatchObject({
    code: 'INPUT_INVALID',
    facts: { problems: [{ field: 'id' }, { field: 'priority' }, { field: 'image' }] },
  });
});
