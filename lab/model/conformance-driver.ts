/** The replay's hands on a real API server, in a namespace of its own. */
import type { KubeConfig, V1Job } from '@kubernetes/client-node';
import { ApiException, BatchV1Api, CoreV1Api, PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import { QUEUE_LABEL } from '../../src/fence.ts';
import type { ApiRequest } from './cluster.ts';
import type { Driver, RealNames, RealSeen } from './conformance.ts';

const MERGE = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);

export class RealCluster implements Driver {
  readonly #core: CoreV1Api;
  readonly #batch: BatchV1Api;
  readonly #namespace: string;

  constructor(config: KubeConfig, namespace: string) {
    this.#core = config.makeApiClient(CoreV1Api);
    this.#batch = config.makeApiClient(BatchV1Api);
    this.#namespace = namespace;
  }

  async open(): Promise<void> {
    await this.#core.createNamespace({ body: { metadata: { name: this.#namespace } } });
  }

  async close(): Promise<void> {
    await this.#core.deleteNamespace({ name: this.#namespace });
  }

  /** Between two traces: everything is deleted and gone. */
  async clear(): Promise<void> {
    const namespace = this.#namespace;
    await this.#batch.deleteCollectionNamespacedJob({ namespace, body: { propagationPolicy: 'Background' } });
    await this.#core.deleteCollectionNamespacedConfigMap({ namespace, labelSelector: 'lab=conformance' });
  }

  readonly look = async (): Promise<RealSeen> => {
    const namespace = this.#namespace;
    const [anchors, jobs] = await Promise.all([
      this.#core.listNamespacedConfigMap({ namespace, labelSelector: 'lab=conformance' }),
      this.#batch.listNamespacedJob({ namespace }),
    ]);
    return {
      anchors: anchors.items.map(({ metadata }) => ({
        name: (metadata?.name ?? '').toUpperCase(),
        uid: metadata?.uid ?? '',
      })),
      jobs: jobs.items.map(({ metadata, spec }) => ({
        name: (metadata?.name ?? '').toUpperCase(),
        uid: metadata?.uid ?? '',
        version: metadata?.resourceVersion ?? '',
        suspended: spec?.suspend === true,
      })),
    };
  };

  readonly send = async (request: ApiRequest, real: RealNames): Promise<{ code: number; uid: string }> => {
    try {
      const uid = await this.#send(request, real);
      return { code: request.verb.startsWith('create') ? 201 : 200, uid };
    } catch (error) {
      if (!(error instanceof ApiException)) throw error;
      // A patch that names another uid is answered with 422: "field is immutable". The model has one word for both.
      return { code: error.code === 422 ? 409 : error.code, uid: '' };
    }
  };

  async #send(request: ApiRequest, real: RealNames): Promise<string> {
    const namespace = this.#namespace;
    const preconditions = {
      ...(real.uid && { uid: real.uid }),
      ...(real.version && { resourceVersion: real.version }),
    };
    switch (request.verb) {
      case 'create anchor': {
        const metadata = { name: request.name.toLowerCase(), labels: { lab: 'conformance' } };
        const body = { metadata, data: request.armed ? { armed: 'yes' } : {} };
        return (await this.#core.createNamespacedConfigMap({ namespace, body })).metadata?.uid ?? '';
      }
      case 'arm anchor': {
        const body = { metadata: { uid: real.uid }, data: { armed: 'yes' } };
        await this.#core.patchNamespacedConfigMap({ namespace, name: request.name.toLowerCase(), body }, MERGE);
        return '';
      }
      case 'delete anchor':
        await this.#core.deleteNamespacedConfigMap({
          namespace,
          name: request.name.toLowerCase(),
          body: { preconditions, propagationPolicy: 'Foreground' },
        });
        return '';
      case 'create job':
        return (
          (await this.#batch.createNamespacedJob({ namespace, body: manifest(request, real) })).metadata?.uid ?? ''
        );
      case 'start job': {
        const body = { metadata: preconditions, spec: { suspend: false } };
        await this.#batch.patchNamespacedJob({ namespace, name: request.name.toLowerCase(), body }, MERGE);
        return '';
      }
      case 'queue job': {
        const body = { metadata: { ...preconditions, labels: { [QUEUE_LABEL]: 'q' } } };
        await this.#batch.patchNamespacedJob({ namespace, name: request.name.toLowerCase(), body }, MERGE);
        return '';
      }
      case 'delete job': {
        const body = { preconditions, propagationPolicy: request.propagation };
        await this.#batch.deleteNamespacedJob({ namespace, name: request.name.toLowerCase(), body });
        return '';
      }
      case 'delete pod':
        throw new TypeError('traces have no Pods');
    }
  }
}

function manifest(request: Extract<ApiRequest, { verb: 'create job' }>, { owner }: RealNames): V1Job {
  const name = request.mounts.toLowerCase();
  const ownerReferences = owner === '' ? [] : [{ apiVersion: 'v1', kind: 'ConfigMap', name, uid: owner }];
  const container = { name: 'none', image: 'none' };
  return {
    metadata: { name: request.name.toLowerCase(), ownerReferences },
    spec: {
      suspend: request.suspended,
      parallelism: 0,
      completions: 1,
      template: { spec: { restartPolicy: 'Never', containers: [container] } },
    },
  };
}
