/** The gateway as a process: it listens until SIGTERM or SIGINT, then drops nothing that it has begun. */
import { setTimeout as sleep } from 'node:timers/promises';
import { HoldfastClient } from '../client.ts';
import { type Config, type GatewayConfig, readConfig } from '../config.ts';
import { HoldfastError } from '../errors.ts';
import { createLogger, tellUnknownVariables } from '../telemetry.ts';
import { createApp } from './app.ts';
import type { App } from './bare-app.ts';
import { createIdentification } from './auth/identify.ts';
import type { Deps } from './deps.ts';
import { GatewayMetrics } from './metrics.ts';
import { checkRetention } from './retention.ts';

/** After this long whoever is not done is cut. Milliseconds. */
const STOP_MS = 25_000;
const LOOK_MS = 100;

/** @throws HoldfastError CONFIG_INVALID, TEMPORAL_UNREACHABLE: it did not begin, and nothing of it stays open. */
export async function serveGateway(config: Config = readConfig()): Promise<void> {
  const log = createLogger(config.logLevel);
  tellUnknownVariables(log);
  const client = await connect(config);
  try {
    const { identify, close: forget } = createIdentification(config.gateway, log);
    await serve(config, { client, identify, log }).finally(forget);
  } finally {
    await client.close();
  }
  log.info('gateway stopped');
}

async function serve(config: Config, given: Pick<Deps, 'client' | 'identify' | 'log'>): Promise<void> {
  const { log } = given;
  const { taskQueue, logDir, kubernetes } = config;
  const { rate, proxies } = config.gateway;
  const stop = new AbortController();
  const mayKill = kubernetes.context !== undefined;
  const ground = { taskQueue, logDir, rate, proxies, mayKill, metrics: new GatewayMetrics(), stopping: stop.signal };
  const app = await createApp({ ...given, ...ground });
  const url = await listen(app, config.gateway);
  const stopped = new Promise<NodeJS.Signals>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal));
  });
  // Said at every log level: whoever started it waits for it.
  log.child({}, { level: 'info' }).info({ url, taskQueue, mayKill }, 'gateway ready');
  log.info({ signal: await stopped }, 'gateway stops; what it has begun is ended first');
  stop.abort();
  await close(app);
}

/** @throws HoldfastError CONFIG_INVALID if the address cannot be taken. */
async function listen(app: App, { host, port }: GatewayConfig): Promise<string> {
  // Before it listens, what fails has nothing to do with the address.
  await app.ready();
  try {
    return await app.listen({ host, port, listenTextResolver: () => '' });
  } catch (error) {
    await app.close();
    const field = 'HOLDFAST_GATEWAY_ADDRESS';
    const message = `cannot be listened at: ${error instanceof Error ? error.message : String(error)}.`;
    const next =
      'End what listens there, or name an address of this machine and a port that are free and may be taken.';
    const facts = { problems: [{ field, message }] };
    throw new HoldfastError('CONFIG_INVALID', `${field} ${message}`, facts, { next, cause: error });
  }
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
