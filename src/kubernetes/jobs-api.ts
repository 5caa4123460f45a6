/**
 * Every call to Kubernetes that touches a task's objects, and nothing else: a deadline, the caller's cancellation,
 * Retry-After, and the meaning of the answer. The only file that may create or delete.
 */
import {
  AuthorizationV1Api,
  BatchV1Api,
  type ConfigurationOptions,
  CoreV1Api,
  type CoreV1Event,
  type KubeConfig,
  setHeaderOptions,
  PatchStrategy,
  type V1ConfigMap,
  type V1Job,
  type V1Node,
  type V1Pod,
  type V1SelfSubjectAccessReview,
} from '@kubernetes/client-node';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ApiErrorKind, isApiError, toApiError } from './api-error.ts';
import type { Starting } from './job.ts';
import { Lanes } from '../lanes.ts';
import { type LogRequest, readLog } from './read-log.ts';
import { within } from './within.ts';
import { type Marks, metadataOf, metadataOnly, withSignal } from './request-options.ts';

/** What is to be deleted. With a resourceVersion what was read is what is deleted, or nothing: conflict. */
interface Read {
  readonly uid: string;
  readonly resourceVersion?: string;
}

export interface JobsApiOptions {
  readonly namespace: string;
  /** How long one request may take. Milliseconds, default 5,000. */
  readonly deadlineMs?: number;
}

/**
 * How often a request that was turned away is sent before the caller, who has retries of its own, hears of it. It was
 * turned away before anything was done. An API server that has just started may forbid, for a moment, what it allows:
 * https://github.com/kubernetes/kubernetes/issues/121635
 */
const TRIES: Partial<Readonly<Record<ApiErrorKind, number>>> = { busy: 4, forbidden: 8 };
const MAX_RETRY_AFTER_SECONDS = 10;
/** Requests under way at the same time, streams aside: what waits for its turn is not yet running against its deadline. */
const LANES = 64;

export class JobsApi {
  readonly namespace: string;
  readonly #config: KubeConfig;
  readonly #core: CoreV1Api;
  readonly #batch: BatchV1Api;
  readonly #deadlineMs: number;
  readonly #lanes = new Lanes(LANES);
  #serverDate = '';

  constructor(config: KubeConfig, options: JobsApiOptions) {
    this.namespace = options.namespace;
    this.#config = config;
    this.#core = config.makeApiClient(CoreV1Api);
    this.#batch = config.makeApiClient(BatchV1Api);
    this.#deadlineMs = options.deadlineMs ?? 5_000;
  }

  createAnchor(body: V1ConfigMap, signal?: AbortSignal): Promise<V1ConfigMap> {
    const { namespace } = this;
    return this.#call(`create ConfigMap ${body.metadata?.name}`, signal, (options) =>
      this.#core.createNamespacedConfigMap({ namespace, body, fieldValidation: 'Strict' }, options),
    );
  }

  readAnchor(name: string, signal?: AbortSignal): Promise<V1ConfigMap | undefined> {
    const { namespace } = this;
    return this.#read(`read ConfigMap ${name}`, signal, (options) =>
      this.#core.readNamespacedConfigMap({ namespace, name }, options),
    );
  }

  /**
   * Writes into the anchor with this uid. Undefined: it is not there, or another stands under its name (Kubernetes
   * refuses a patch that names another uid as invalid).
   */
  async patchAnchor(
    name: string,
    body: { readonly metadata: { readonly uid: string }; readonly data: Readonly<Record<string, string>> },
    signal?: AbortSignal,
  ): Promise<V1ConfigMap | undefined> {
    const { namespace } = this;
    return this.#read(`patch ConfigMap ${name}`, signal, (options) =>
      this.#core.patchNamespacedConfigMap(
        { namespace, name, body },
        setHeaderOptions('Content-Type', PatchStrategy.MergePatch, options),
      ),
    ).catch((error: unknown) => {
      if (isApiError(error) && error.status === 422) return undefined;
      throw error;
    });
  }

  /** Anchors that carry these labels, e.g. all of one task. */
  async listAnchors(labelSelector: string, signal?: AbortSignal): Promise<readonly V1ConfigMap[]> {
    const { namespace } = this;
    const list = await this.#call(`list ConfigMaps ${labelSelector}`, signal, (options) =>
      this.#core.listNamespacedConfigMap({ namespace, labelSelector }, options),
    );
    return list.items;
  }

  /** Marks of all anchors and Jobs with these labels, without the rest: an anchor may be a megabyte. */
  async listMarks(labelSelector: string, signal?: AbortSignal): Promise<Marks> {
    const { namespace } = this;
    const anchors = await this.#call(`list ConfigMaps ${labelSelector}`, signal, (options) =>
      this.#core.listNamespacedConfigMap({ namespace, labelSelector }, metadataOnly(options)),
    );
    const jobs = await this.#call(`list Jobs ${labelSelector}`, signal, (options) =>
      this.#batch.listNamespacedJob({ namespace, labelSelector }, metadataOnly(options)),
    );
    return { anchors: metadataOf(anchors), jobs: metadataOf(jobs), at: new Date(this.#serverDate) };
  }

  deleteAnchor(name: string, uid: string, signal?: AbortSignal): Promise<boolean> {
    const { namespace } = this;
    return this.#remove(`delete ConfigMap ${name}`, signal, (options) =>
      this.#core.deleteNamespacedConfigMap(
        { namespace, name, body: { preconditions: { uid }, propagationPolicy: 'Background' } },
        options,
      ),
    );
  }

  /** Refuses what is not suspended at birth and owned: the first two fences are not the caller's choice. */
  async createJob(body: V1Job, signal?: AbortSignal): Promise<V1Job> {
    if (body.spec?.suspend !== true) throw new TypeError('a Job is created suspended, or not at all');
    if (body.metadata?.ownerReferences?.length !== 1) throw new TypeError('a Job has its anchor as its one owner');
    const { namespace } = this;
    return this.#call(`create Job ${body.metadata.name}`, signal, (options) =>
      this.#batch.createNamespacedJob({ namespace, body, fieldValidation: 'Strict' }, options),
    );
  }

  readJob(name: string, signal?: AbortSignal): Promise<V1Job | undefined> {
    const { namespace } = this;
    return this.#read(`read Job ${name}`, signal, (options) =>
      this.#batch.readNamespacedJob({ namespace, name }, options),
    );
  }

  async listJobs(labelSelector: string, signal?: AbortSignal): Promise<readonly V1Job[]> {
    const { namespace } = this;
    const list = await this.#call(`list Jobs ${labelSelector}`, signal, (options) =>
      this.#batch.listNamespacedJob({ namespace, labelSelector }, options),
    );
    return list.items;
  }

  /** The compare-and-set start. Conflict: something wrote since the read. Absent: it was deleted. */
  startJob(name: string, body: Starting, signal?: AbortSignal): Promise<V1Job> {
    const { namespace } = this;
    return this.#call(`start Job ${name}`, signal, (options) =>
      this.#batch.patchNamespacedJob(
        { namespace, name, body },
        setHeaderOptions('Content-Type', PatchStrategy.MergePatch, options),
      ),
    );
  }

  /** Policy and preconditions go in the body: a body makes the server ignore the query. */
  deleteJob(
    name: string,
    read: Read,
    signal?: AbortSignal,
    propagationPolicy: 'Foreground' | 'Background' = 'Foreground',
  ): Promise<boolean> {
    const { namespace } = this;
    const preconditions = preconditionsOf(read);
    return this.#remove(`delete Job ${name}`, signal, (options) =>
      this.#batch.deleteNamespacedJob({ namespace, name, body: { preconditions, propagationPolicy } }, options),
    );
  }

  async listPods(labelSelector: string, signal?: AbortSignal): Promise<readonly V1Pod[]> {
    const { namespace } = this;
    const list = await this.#call(`list Pods ${labelSelector}`, signal, (options) =>
      this.#core.listNamespacedPod({ namespace, labelSelector }, options),
    );
    return list.items;
  }

  /** With its own grace period, unless a shorter one is given. Zero removes the object without the node's word. */
  deletePod(name: string, read: Read, signal?: AbortSignal, gracePeriodSeconds?: number): Promise<boolean> {
    const { namespace } = this;
    const body = {
      preconditions: preconditionsOf(read),
      ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
    };
    return this.#remove(`delete Pod ${name}`, signal, (options) =>
      this.#core.deleteNamespacedPod({ namespace, name, body }, options),
    );
  }

  async eventsOf(uid: string, signal?: AbortSignal): Promise<readonly CoreV1Event[]> {
    const { namespace } = this;
    const list = await this.#call(`list Events of ${uid}`, signal, (options) =>
      this.#core.listNamespacedEvent({ namespace, fieldSelector: `involvedObject.uid=${uid}` }, options),
    );
    return list.items;
  }

  /** Empty when the worker's account may not list nodes: then nobody can say that no node would ever fit. */
  async listNodes(signal?: AbortSignal): Promise<readonly V1Node[]> {
    try {
      const list = await this.#call('list Nodes', signal, (options) => this.#core.listNode({}, options), {});
      return list.items;
    } catch (error) {
      if (isApiError(error, 'forbidden')) return [];
      throw error;
    }
  }

  /** Whether this account may delete such objects here. Who must not even ask is not told so: it will see. */
  async mayDelete(group: string, resource: string): Promise<boolean> {
    const resourceAttributes = { namespace: this.namespace, verb: 'delete', group, resource };
    const reviews = this.#config.makeApiClient(AuthorizationV1Api);
    const ask: Send<V1SelfSubjectAccessReview> = (options) =>
      reviews.createSelfSubjectAccessReview({ body: { spec: { resourceAttributes } } }, options);
    try {
      return (await this.#call(`ask whether ${resource} may be deleted`, undefined, ask, {})).status?.allowed ?? false;
    } catch (error) {
      if (isApiError(error, 'forbidden')) return true;
      throw error;
    }
  }

  /** The bytes of a container's log, each line with its timestamp. The deadline covers the answer, not the stream. */
  readLog(request: LogRequest, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    return readLog({ config: this.#config, namespace: this.namespace, deadlineMs: this.#deadlineMs }, request, signal);
  }

  async #read<T>(what: string, signal: AbortSignal | undefined, send: Send<T>): Promise<T | undefined> {
    return this.#call(what, signal, send).catch((error: unknown) => {
      if (isApiError(error, 'absent')) return undefined;
      throw error;
    });
  }

  /** "Not found" on a delete is success, and gives false. It proves nothing about Pods. */
  async #remove(what: string, signal: AbortSignal | undefined, send: Send<unknown>): Promise<boolean> {
    return (await this.#read(what, signal, send)) !== undefined;
  }

  async #call<T>(what: string, signal: AbortSignal | undefined, send: Send<T>, tries = TRIES): Promise<T> {
    for (let tried = 1; ; tried += 1) {
      try {
        return await this.#once(signal, send);
      } catch (error) {
        signal?.throwIfAborted();
        const apiError = toApiError(error, what);
        if (tried >= (tries[apiError.kind] ?? 1)) throw apiError;
        await sleep(Math.min(apiError.retryAfter ?? 1, MAX_RETRY_AFTER_SECONDS) * 1_000, undefined, { signal }).catch(
          () => signal?.throwIfAborted(),
        );
      }
    }
  }

  async #once<T>(signal: AbortSignal | undefined, send: Send<T>): Promise<T> {
    const heard: Parameters<typeof withSignal>[1] = ({ headers }) =>
      void (this.#serverDate = headers['date'] ?? this.#serverDate);
    const sent = (ended: AbortSignal) => send(withSignal(ended, heard));
    return this.#lanes.take(() => within(this.#deadlineMs, signal, sent), signal);
  }
}

function preconditionsOf({ uid, resourceVersion }: Read): { uid: string; resourceVersion?: string } {
  return { uid, ...(resourceVersion !== undefined && { resourceVersion }) };
}

type Send<T> = (options: ConfigurationOptions) => Promise<T>;
