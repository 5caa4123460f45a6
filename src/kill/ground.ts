/** What a kill stands on: the Temporal that knows the task and the namespace of Kubernetes that has its objects. */
import type { KubeConfig } from '@kubernetes/client-node';
import { type Client, isGrpcServiceError, ServiceError } from '@temporalio/client';
import type { Config } from '../config.ts';
import { HoldfastError } from '../errors.ts';
import { isApiError } from '../kubernetes/api-error.ts';
import { JobsApi } from '../kubernetes/jobs-api.ts';
import { loadKubeConfig } from '../kubernetes/kube-config.ts';

export interface KillGround {
  readonly temporal: Client;
  /** UUID of the Temporal namespace. */
  readonly temporalNamespaceId: string;
  readonly kube: KubeConfig;
  readonly api: JobsApi;
}

/** @throws HoldfastError CONFIG_INVALID if no cluster is named: the current context is never taken silently. */
export function groundOf(
  temporal: Client,
  temporalNamespaceId: string,
  kubernetes: Config['kubernetes'] | undefined,
): KillGround {
  const { namespace, deadlineMs } = kubernetes ?? { namespace: '', deadlineMs: 0 };
  const kube = loadKubeConfig(kubernetes ?? { context: undefined, kubeconfig: undefined, namespace, deadlineMs });
  return { temporal, temporalNamespaceId, kube, api: new JobsApi(kube, { namespace, deadlineMs }) };
}

/** What the other side refused, in words that say how far the kill had come. */
export function refusalOf(error: unknown, hasBegun: boolean): unknown {
  const so = hasBegun
    ? 'The task is ended in Temporal, but what is left of it in Kubernetes may run on: kill it again when that is mended.'
    : 'Nothing was ended.';
  if (isApiError(error)) {
    const code = error.kind === 'forbidden' ? 'KUBERNETES_FORBIDDEN' : 'KUBERNETES_UNREACHABLE';
    return new HoldfastError(code, `${error.message}. ${so}`, {}, { cause: error });
  }
  const isOfTemporal = error instanceof ServiceError || isGrpcServiceError(error);
  if (!hasBegun || !isOfTemporal) return error;
  return new HoldfastError('TEMPORAL_UNREACHABLE', `Temporal did not answer any more. ${so}`, {}, { cause: error });
}
