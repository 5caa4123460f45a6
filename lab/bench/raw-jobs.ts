/**
 * The floor: plain Jobs, by the same Kubernetes client. Their Pods are those that Holdfast would make, without the
 * anchor: same image, command, resources, security and grace period.
 */
import { BatchV1Api, type KubeConfig, type V1Job } from '@kubernetes/client-node';
import type { CommandTask } from '../../src/contract.ts';
import { jobManifest } from '../../src/kubernetes/job.ts';
import { settle } from '../../src/settings.ts';
import { command } from '../../src/workloads/command.ts';

export class RawJobs {
  readonly #batch: BatchV1Api;
  readonly #namespace: string;
  readonly #labels: Readonly<Record<string, string>>;

  /** Jobs and Pods get the labels. */
  constructor(kube: KubeConfig, namespace: string, labels: Readonly<Record<string, string>> = {}) {
    this.#batch = kube.makeApiClient(BatchV1Api);
    this.#namespace = namespace;
    this.#labels = labels;
  }

  async create(name: string, task: CommandTask): Promise<void> {
    await this.#batch.createNamespacedJob({ namespace: this.#namespace, body: rawJob(name, task, this.#labels) });
  }

  /** Foreground, as release does it. */
  async delete(name: string): Promise<void> {
    const body = { propagationPolicy: 'Foreground' };
    await this.#batch.deleteNamespacedJob({ namespace: this.#namespace, name, body });
  }
}

export function rawJob(name: string, task: CommandTask, labels: Readonly<Record<string, string>> = {}): V1Job {
  const run = { taskId: name, runId: '', attempt: 1 };
  const anchor = { run, namespace: '', name, uid: '', workload: 'command', timeoutSeconds: 0 } as const;
  const { files: _, ...plan } = command.plan(task, { pythonImage: '', nonce: '' });
  const stored = { ...plan, workload: 'command', settings: settle(task), nonce: '', files: [] } as const;
  const { spec } = jobManifest('', anchor, stored);
  const pod = spec?.template.spec;
  if (spec === undefined || pod === undefined) throw new TypeError('a Job has a Pod to make');
  const isAnchor = (part: { readonly name: string }) => part.name === 'anchor';
  const containers = pod.containers.map((container) => ({
    ...container,
    volumeMounts: container.volumeMounts?.filter((mount) => !isAnchor(mount)) ?? [],
  }));
  const volumes = pod.volumes?.filter((volume) => !isAnchor(volume)) ?? [];
  return {
    metadata: { name, labels },
    spec: { ...spec, suspend: false, template: { metadata: { labels }, spec: { ...pod, containers, volumes } } },
  };
}
