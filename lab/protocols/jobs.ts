/**
 * The dispatcher's calls to Kubernetes, as a careful engineer makes them: a fixed name, so that a second create of the
 * same task is refused by Kubernetes; a deadline per request; an unclear answer is tried again; the kill is Foreground,
 * and is over only when the Job, and with it its Pods, is gone.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ApiException,
  BatchV1Api,
  type ConfigurationOptions,
  KubeConfig,
  Observable,
  type RequestContext,
  type ResponseContext,
  type V1Job,
} from '@kubernetes/client-node';

export const ID_LABEL = 'eval-id';
/** One request. Milliseconds. */
const DEADLINE_MS = 10_000;
/** Creates of one call: 2, so that both fit into the creation lock's 30 s. */
const TRIES = 2;

/** Ends within a second of SIGTERM; ends by itself after a minute, so that an orphan's price has a bound. */
export const PAYLOAD = `trap 'exit 143' TERM; sleep 60 & wait`;
/** Seconds. */
export const PAYLOAD_SECONDS = 60;
export const GRACE_SECONDS = 5;
/** The same for every protocol: how fast a container starts and ends is decided by its share of a core. */
export const LIMITS = { cpu: '50m', memory: '32Mi' } as const;

export class Jobs {
  readonly config: KubeConfig;
  readonly namespace: string;
  readonly #batch: BatchV1Api;
  readonly #image: string;

  constructor(kubeconfig: string, namespace: string, image: string) {
    this.config = new KubeConfig();
    this.config.loadFromFile(kubeconfig);
    this.namespace = namespace;
    this.#batch = this.config.makeApiClient(BatchV1Api);
    this.#image = image;
  }

  /** "Already exists" is success: it is this task's own Job, of a try before. */
  async create(id: string): Promise<void> {
    const { namespace } = this;
    const body = manifest(id, this.#image);
    for (let tried = 1; ; tried += 1) {
      try {
        await this.#batch.createNamespacedJob({ namespace, body }, withDeadline());
        return;
      } catch (error) {
        const status = statusOf(error);
        if (status === 409) return;
        if (tried >= TRIES || (status !== undefined && status < 500)) throw error;
      }
    }
  }

  async kill(id: string): Promise<'killed' | 'not found'> {
    const { namespace } = this;
    const request = { namespace, name: nameOf(id), body: { propagationPolicy: 'Foreground' } };
    const found = await this.#insist(() => this.#batch.deleteNamespacedJob(request, withDeadline()));
    if (!found) return 'not found';
    while (await this.#insist(() => this.#batch.readNamespacedJob({ namespace, name: nameOf(id) }, withDeadline())))
      await sleep(100);
    return 'killed';
  }

  /** It exists and has not finished. */
  async isLive(id: string): Promise<boolean> {
    let job: V1Job | undefined;
    const found = await this.#insist(async () => {
      job = await this.#batch.readNamespacedJob({ namespace: this.namespace, name: nameOf(id) }, withDeadline());
    });
    return found && job?.status?.completionTime === undefined && (job?.status?.failed ?? 0) === 0;
  }

  async list(): Promise<readonly V1Job[]> {
    const { namespace } = this;
    const { items } = await this.#batch.listNamespacedJob({ namespace, labelSelector: ID_LABEL }, withDeadline());
    return items;
  }

  /** Until there is a clear answer; false if it is 404. */
  async #insist(send: () => Promise<unknown>): Promise<boolean> {
    for (;;) {
      try {
        await send();
        return true;
      } catch (error) {
        const status = statusOf(error);
        if (status === 404) return false;
        if (status !== undefined && status < 500 && status !== 409) throw error;
        await sleep(200);
      }
    }
  }
}

export function nameOf(id: string): string {
  return `eval-${id}`;
}

function manifest(id: string, image: string): V1Job {
  const labels = { [ID_LABEL]: id };
  const resources = { requests: { cpu: '10m', memory: '16Mi' }, limits: LIMITS };
  return {
    metadata: { name: nameOf(id), labels },
    spec: {
      backoffLimit: 0,
      template: {
        metadata: { labels },
        spec: {
          restartPolicy: 'Never',
          terminationGracePeriodSeconds: GRACE_SECONDS,
          containers: [{ name: 'evaluation', image, command: ['sh', '-c', PAYLOAD], resources }],
        },
      },
    },
  };
}

function statusOf(error: unknown): number | undefined {
  return error instanceof ApiException ? error.code : undefined;
}

/** The generated client takes a signal only through a middleware. */
function withDeadline(): ConfigurationOptions {
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const pre = (request: RequestContext) => {
    request.setSignal(signal);
    return new Observable(Promise.resolve(request));
  };
  const post = (response: ResponseContext) => new Observable(Promise.resolve(response));
  return { middlewareMergeStrategy: 'append', middleware: [{ pre, post }] };
}
