import { readFileSync } from 'node:fs';
import { get } from 'node:https';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { CoreV1Api, V1Node } from '@kubernetes/client-node';
import { controlPlaneCommands } from './control-plane.ts';
import { writeCredentials } from './credentials.ts';
import type { Credentials } from './credentials.ts';
import { importImage, startNode } from './node.ts';
import type { NodeSettings } from './node-config.ts';
import type { NodeParts } from './node.ts';

export const kubeNamespace = 'holdfast';

/** Loaded when it is needed: it takes half a second, which the parts of the cluster use to start. */
export async function api(kubeconfig: string | undefined, context?: string): Promise<CoreV1Api> {
  const { CoreV1Api, KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  if (kubeconfig === undefined) config.loadFromDefault();
  else config.loadFromFile(kubeconfig);
  if (context !== undefined) config.setCurrentContext(context);
  return config.makeApiClient(CoreV1Api);
}

export interface LocalCluster {
  readonly kubernetes: string;
  readonly folder: string;
  readonly port: number;
}

export interface StartedControlPlane {
  readonly credentials: Credentials;
  /** Resolves when the API server is healthy and what depends on that was started. */
  readonly healthy: Promise<void>;
}

export function startControlPlane({ kubernetes, folder, port }: LocalCluster, parts: NodeParts): StartedControlPlane {
  const credentials = writeCredentials(join(folder, 'credentials'), `https://127.0.0.1:${port}`);
  const { first, whenHealthy } = controlPlaneCommands({ kubernetes, folder, port, credentials });
  for (const part of first) parts.start(part);
  const startRest = async () => {
    await eventually('the Kubernetes API server', 120, () => answersHealthy(port, credentials.caFile));
    for (const part of whenHealthy) parts.start(part);
  };
  return { credentials, healthy: startRest() };
}

function answersHealthy(port: number, caFile: string): Promise<true | undefined> {
  return new Promise((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      port,
      path: '/healthz',
      ca: readFileSync(caFile),
      agent: false,
      timeout: 5_000,
    };
    const request = get(options, (response) => {
      response.resume();
      resolve(response.statusCode === 200 ? true : undefined);
    });
    request.on('error', reject).on('timeout', () => request.destroy(new Error('no answer within 5 s')));
  });
}

/** Starts the node and gives it its images; resolves when the images are there. */
export async function startRealNode(settings: NodeSettings, images: string, parts: NodeParts): Promise<void> {
  const files = await startNode(settings, parts);
  await importImage(settings.tools.bin, files, images);
}

/** Polls, because during boot every kind of refusal only means "not yet". */
export async function eventually<T>(what: string, seconds: number, attempt: () => Promise<T | undefined>): Promise<T> {
  let lastError: unknown;
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await delay(100)) {
    try {
      const value = await attempt();
      if (value !== undefined) return value;
    } catch (error) {
      lastError = error;
    }
  }
  throw new Error(
    `${what} is not ready after ${seconds} s${lastError instanceof Error ? `: ${lastError.message}` : ''}`,
  );
}

export function untilNodes(core: CoreV1Api, count: number): Promise<unknown> {
  return eventually('the Kubernetes node', 90, async () => {
    const { items } = await core.listNode();
    return items.filter(isSchedulable).length >= count ? items : undefined;
  });
}

/** Ready, and the taints that a new node gets are gone: before that the scheduler passes it by. */
function isSchedulable({ status, spec }: V1Node): boolean {
  const isReady =
    status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false;
  return isReady && !spec?.taints?.some(({ key }) => key.startsWith('node.kubernetes.io/'));
}

export async function ensureNamespace(core: CoreV1Api): Promise<void> {
  try {
    await core.createNamespace({ body: { metadata: { name: kubeNamespace } } });
  } catch (error) {
    if ((error as { code?: number }).code !== 409) throw error;
  }
  await eventually('the service account of the namespace', 60, () =>
    core.readNamespacedServiceAccount({ namespace: kubeNamespace, name: 'default' }),
  );
}
