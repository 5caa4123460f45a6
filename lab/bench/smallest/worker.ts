/** Entry of its worker process: `worker.ts '{"taskQueue": ...}'`. As many workflows in memory as Holdfast's worker has. */
import { fileURLToPath } from 'node:url';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { readConfig } from '../../../src/config.ts';
import { loadKubeConfig } from '../../../src/kubernetes/kube-config.ts';
import { CACHED_WORKFLOWS } from '../../../src/worker.ts';
import { Eyes } from '../eyes.ts';
import { RawJobs } from '../raw-jobs.ts';
import { createActivities } from './activities.ts';

export const READY = 'worker ready';

export interface WorkerSettings {
  readonly kubernetesNamespace: string;
  readonly taskQueue: string;
}

async function main({ kubernetesNamespace, taskQueue }: WorkerSettings): Promise<void> {
  Runtime.install({ logger: new DefaultLogger('WARN') });
  const { kubernetes, temporal } = readConfig();
  const kube = loadKubeConfig(kubernetes);
  const labels = { 'holdfast.dev/bench': 'smallest' };
  const eyes = await Eyes.open(kube, kubernetesNamespace, labels);
  const connection = await NativeConnection.connect(temporal.connectionOptions);
  try {
    const worker = await Worker.create({
      connection,
      namespace: temporal.namespace,
      taskQueue,
      workflowsPath: fileURLToPath(new URL('./workflows.ts', import.meta.url)),
      activities: createActivities(new RawJobs(kube, kubernetesNamespace, labels), eyes),
      maxConcurrentActivityTaskExecutions: 5_000,
      maxCachedWorkflows: CACHED_WORKFLOWS,
    });
    const running = worker.run();
    console.log(READY);
    await running;
  } finally {
    eyes.close();
    await connection.close();
  }
}

if (import.meta.main) await main(JSON.parse(process.argv[2] ?? '{}') as WorkerSettings);
