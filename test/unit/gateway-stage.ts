/** The gateway without a network: its answers before Temporal has a say, or with a Temporal that is away. */
import { Client, Connection } from '@temporalio/client';
import { HoldfastClient } from '../../src/client.ts';
import { createApp } from '../../src/gateway/app.ts';
import type { App } from '../../src/gateway/bare-app.ts';
import { anyone } from '../../src/gateway/auth/guard.ts';
import type { Deps } from '../../src/gateway/deps.ts';
import { GatewayMetrics } from '../../src/gateway/metrics.ts';
import { createLogger } from '../../src/telemetry.ts';

/** Nobody listens there. */
const NOWHERE = '127.0.0.1:1';

export async function gatewayWithoutTemporal(more: Partial<Deps> = {}): Promise<App> {
  const connection = Connection.lazy({ address: NOWHERE });
  const client = new HoldfastClient(new Client({ connection }), { taskQueue: 'none', logDir: '/nowhere' });
  const log = createLogger('error');
  const stopping = new AbortController().signal;
  const metrics = new GatewayMetrics();
  const usual = { taskQueue: 'none', logDir: '/nowhere', identify: anyone, rate: 100_000 };
  return createApp({ client, log, metrics, stopping, ...usual, ...more });
}
