/** The gateway without a network: its answers before Temporal has a say, or with a Temporal that is away. */
import { Client, Connection } from '@temporalio/client';
import { HoldfastClient } from '../../src/client.ts';
import { type App, createApp } from '../../src/gateway/app.ts';
import { anyone } from '../../src/gateway/auth/guard.ts';
import { GatewayMetrics } from '../../src/gateway/metrics.ts';
import { createLogger } from '../../src/telemetry.ts';

/** Nobody listens there. */
const NOWHERE = '127.0.0.1:1';

export async function gatewayWithoutTemporal(stopping = new AbortController().signal): Promise<App> {
  const connection = Connection.lazy({ address: NOWHERE });
  const client = new HoldfastClient(new Client({ connection }), { taskQueue: 'none', logDir: '/nowhere' });
  const log = createLogger('error');
  return createApp({ client, taskQueue: 'none', identify: anyone, log, metrics: new GatewayMetrics(), stopping });
}
