import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { HoldfastClient, readConfig } from '../../src/client.ts';
import { serveGateway } from '../../src/gateway/serve.ts';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-serve-'));
const keys = join(folder, 'keys.json');
const other = createServer();

beforeAll(async () => {
  writeFileSync(keys, '{ "keys": [] }');
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  other.close();
  rmSync(folder, { recursive: true });
});

/** A Temporal that answers what a gateway asks before it begins. */
function connected() {
  let open = true;
  const temporal = {
    options: { namespace: 'ns' },
    workflowService: { describeNamespace: async () => ({}) },
    withDeadline: (_: number, question: () => Promise<unknown>) => question(),
  };
  const client = { temporal, close: async () => void (open = false) } as unknown as HoldfastClient;
  vi.spyOn(HoldfastClient, 'connect').mockResolvedValue(client);
  return { isOpen: () => open };
}

const listeners = () => ['SIGHUP', 'SIGTERM', 'SIGINT'].map((signal) => process.listenerCount(signal));

it('a gateway whose address is taken says so by the name of the variable, and leaves nothing open', async () => {
  const { isOpen } = connected();
  const before = listeners();
  const address = `127.0.0.1:${(other.address() as AddressInfo).port}`;
  const env = { HOLDFAST_GATEWAY_ADDRESS: address, HOLDFAST_GATEWAY_KEYS: keys };
  const served = serveGateway(readConfig({ XDG_STATE_HOME: folder, HOME: folder, XDG_CONFIG_HOME: folder, ...env }));
  await expect(served).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: `HOLDFAST_GATEWAY_ADDRESS cannot be listened at: listen EADDRINUSE: address already in use ${address}.`,
    next: expect.stringContaining('End what listens there'),
    facts: { problems: [{ field: 'HOLDFAST_GATEWAY_ADDRESS' }] },
  });
  expect([isOpen(), listeners()]).toEqual([false, before]);
});
