/**
 * What a cancel over HTTP goes through: a gateway that listens, the Temporal that is up, the workflow and its worker.
 * Only the cluster is played.
 */
import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, makeTelemetryFilterString, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { HoldfastClient } from '../../src/client.ts';
import { readConfig } from '../../src/config.ts';
import { followQueue } from '../../src/contract.ts';
import { createApp } from '../../src/gateway/app.ts';
import { anyone } from '../../src/gateway/auth/guard.ts';
import { GatewayMetrics } from '../../src/gateway/metrics.ts';
import { close as closeGateway } from '../../src/gateway/serve.ts';
import { createLogger } from '../../src/telemetry.ts';
import { bundleWorkflows } from '../../src/worker.ts';
import { PlayedJobs } from './played-jobs.ts';

export interface CancelStage {
  readonly client: HoldfastClient;
  readonly jobs: PlayedJobs;
  /** Of the gateway, e.g. `http://127.0.0.1:40123`. */
  readonly url: string;
  readonly temporalVersion: string;
  close(): Promise<void>;
}

export async function openStage(): Promise<CancelStage> {
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR' }) } },
  });
  const { connectionOptions, namespace } = readConfig().temporal;
  const connection = await Connection.connect(connectionOptions);
  const { serverVersion } = await connection.workflowService.getSystemInfo({});
  const taskQueue = `hf-cancels-${randomUUID().slice(0, 8)}`;
  const settings = { taskQueue, logDir: '/nowhere' };
  const client = new HoldfastClient(new Client({ connection, namespace }), settings);
  const jobs = new PlayedJobs();
  const endWorkers = await runWorkers(await NativeConnection.connect(connectionOptions), namespace, taskQueue, jobs);
  const stop = new AbortController();
  const told = { log: createLogger('error'), metrics: new GatewayMetrics(), stopping: stop.signal };
  const app = await createApp({ ...settings, ...told, client, identify: anyone, rate: 1_000_000_000 });
  return {
    client,
    jobs,
    url: await app.listen({ host: '127.0.0.1', port: 0 }),
    temporalVersion: serverVersion,
    async close() {
      stop.abort();
      await closeGateway(app);
      await endWorkers();
      await connection.close();
    },
  };
}

async function runWorkers(
  connection: NativeConnection,
  namespace: string,
  taskQueue: string,
  { activities }: PlayedJobs,
): Promise<() => Promise<void>> {
  const shared = { connection, namespace, activities };
  const workflowBundle = await bundleWorkflows(createLogger('error'));
  const workers = [
    await Worker.create({ ...shared, taskQueue, workflowBundle }),
    await Worker.create({ ...shared, taskQueue: followQueue(taskQueue) }),
  ];
  const running = Promise.all(workers.map((worker) => worker.run()));
  return async () => {
    for (const worker of workers) worker.shutdown();
    await running;
    await connection.close();
  };
}
