/** Entry of its worker process: `worker.ts '{"taskQueue": ...}'`. */
import { fileURLToPath } from 'node:url';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { Jobs } from '../jobs.ts';
import { createActivities } from './activities.ts';

export const READY = 'worker ready';

export interface WorkerSettings {
  readonly kubeconfig: string;
  readonly kubernetesNamespace: string;
  readonly image: string;
  readonly address: string;
  readonly namespace: string;
  readonly taskQueue: string;
}

async function main(settings: WorkerSettings): Promise<void> {
  Runtime.install({ logger: new DefaultLogger('WARN') });
  const { address, namespace, taskQueue } = settings;
  const connection = await NativeConnection.connect({ address });
  const worker = await Worker.create({
    connection,
    namespace,
    taskQueue,
    workflowsPath: fileURLToPath(new URL('./workflows.ts', import.meta.url)),
    activities: createActivities(new Jobs(settings.kubeconfig, settings.kubernetesNamespace, settings.image)),
  });
  const running = worker.run();
  console.log(READY);
  await running;
}

if (import.meta.main) await main(JSON.parse(process.argv[2] ?? '{}') as WorkerSettings);
