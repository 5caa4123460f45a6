/** The gateway as a process: it listens until SIGTERM or SIGINT, then drops nothing that it has begun. */
import { setTimeout as sleep } from 'node:timers/promises';
import { HoldfastClient } from '../client.ts';
import { type Config, readConfig } from '../config.ts';
import { createLogger, tellUnknownVariables } from '../telemetry.ts';
import { createApp } from './app.ts';
import type { App } from './bare-app.ts';
import { createIdentification } from './auth/identify.ts';
import { GatewayMetrics } from './metrics.ts';
import { checkRetention } from './retention.ts';

/** After this long whoever is not done is cut. Milliseconds. */
const STOP_MS = 25_000;
const LOOK_MS = 100;

export async function serveGateway(config: Config = readConfig()): Promise<void> {
  const log = createLogger(config.logLevel);
  tellUnknownVariables(log);
  const client = await connect(config);
  const stop = new AbortController();
  const stopped = new Promise<NodeJS.Signals>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal));
  });
  const { taskQueue, logDir, gateway, kubernetes } = config;
  const { identify, close: forget } = createIdentification(gateway, log);
  const metrics = new GatewayMetrics();
  const mayKill = kubernetes.context !== undefined;
  const app = await createApp({
    client,
    taskQueue,
    logDir,
    identify,
    rate: gateway.rate,
    proxies: gateway.proxies,
    mayKill,
    log,
    metrics,
    stopping: stop.signal,
  });
  const url = await app.listen({ host: gateway.host, port: gateway.port, listenTextResolver: () => '' });
  // Said at every log level: whoever started it waits for it.
  log.child({}, { level: 'info' }).info({ url, taskQueue, mayKill }, 'gateway ready');
  log.info({ signal: await stopped }, 'gateway stops; what it has begun is ended first');
  stop.abort();
  await close(app);
  forget();
  await client.close();
  log.info('gateway stopped');
}

/** Whoever starts it starts it again: a gateway whose Temporal is away, or forgets too soon, does not begin to answer. */
async function connect(config: Config): Promise<HoldfastClient> {
  const client = await HoldfastClient.connect(config);
  try {
    await checkRetention({ client }, config.gateway.retentionHours);
    return client;
  } catch (error) {
    await client.close();
    throw error;
  }
}

/**
 * Fastify's own close would wait for idle connections until their keep-alive ends (fastify/fastify#7044), or cut
 * requests under way: idle ones are closed as often as there may be a new one, the others when they are answered.
 */
export async function close(app: App, limit = STOP_MS): Promise<void> {
  const closing = app.close().then(() => true);
  for (const until = Date.now() + limit; Date.now() < until;) {
    app.server.closeIdleConnections();
    if (await Promise.race([closing, sleep(LOOK_MS, false)])) return;
  }
  app.server.closeAllConnections();
  await closing;
}
