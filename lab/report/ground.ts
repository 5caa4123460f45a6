/** The ground that one protocol runs on: a namespace, a fault proxy, an oracle, a folder; all gone afterwards. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CoreV1Api, type KubeConfig } from '@kubernetes/client-node';
import { FaultProxy } from '../proxy/fault-proxy.ts';
import type { Surroundings } from '../protocols/protocol.ts';
import { Oracle } from './oracle.ts';

/** Carries the pid of the laboratory that made the namespace. */
const LABEL = 'holdfast.dev/lab-report';

export interface Ground {
  readonly surroundings: Surroundings;
  readonly proxy: FaultProxy;
  readonly oracle: Oracle;
  close(): Promise<void>;
}

export type GroundOptions = Pick<Surroundings, 'image' | 'redisUrl' | 'cleanUpSeconds'>;

export async function openGround(kube: KubeConfig, protocol: string, options: GroundOptions): Promise<Ground> {
  const namespace = `hf-lab-${protocol}-${randomUUID().slice(0, 6)}`;
  await createNamespace(kube, namespace);
  const proxy = await FaultProxy.listen(kube);
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-lab-'));
  const kubeconfig = join(folder, 'kubeconfig.json');
  await writeFile(kubeconfig, proxy.kubeconfig('lab'));
  const oracle = new Oracle(kube, namespace);
  oracle.start();
  return {
    surroundings: { kubeconfig, namespace, folder, ...options },
    proxy,
    oracle,
    close: async () => {
      oracle.close();
      await proxy.close();
      // Should the cluster be away, the next laboratory takes the namespace for abandoned.
      await kube
        .makeApiClient(CoreV1Api)
        .deleteNamespace({ name: namespace })
        .catch(() => undefined);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function createNamespace(kube: KubeConfig, name: string): Promise<void> {
  const core = kube.makeApiClient(CoreV1Api);
  await core.createNamespace({ body: { metadata: { name, labels: { [LABEL]: String(process.pid) } } } });
  const hasAccount = async () => (await core.listNamespacedServiceAccount({ namespace: name })).items.length > 0;
  for (const limit = Date.now() + 60_000; !(await hasAccount()); await sleep(50))
    if (Date.now() > limit) throw new Error(`namespace ${name} got no service account`);
}

/** Namespaces of laboratories that were killed. */
export async function clearAbandoned(kube: KubeConfig): Promise<void> {
  const core = kube.makeApiClient(CoreV1Api);
  const { items } = await core.listNamespace({ labelSelector: LABEL });
  for (const { metadata } of items)
    if (!isAlive(Number(metadata?.labels?.[LABEL])))
      await core.deleteNamespace({ name: metadata?.name ?? '' }).catch(() => undefined);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
