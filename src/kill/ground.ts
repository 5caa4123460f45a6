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

/** What the other side refused or left unanswered, with a code that says whether anything was ended by then. */
export function refusalOf(error: unknown, hasBegun: boolean): unknown {
  const isOfKubernetes = isApiError(error);
  if (hasBegun && (isOfKubernetes || error instanceof ServiceError || isGrpcServiceError(error))) {
    const why = isOfKubernetes ? error.message : 'Temporal did not answer any more';
    const so = 'The task is ended in Temporal, but what is left of it in Kubernetes may run on.';
    return new HoldfastError('KILL_UNFINISHED', `${why}. ${so}`, {}, { cause: error });
  }
  if (!isOfKubernetes) return error;
  const code = error.kind === 'forbidden' ? 'KUBERNETES_FORBIDDEN' : 'KUBERNETES_UNREACHABLE';
  return new HoldfastError(code, `${error.message}. Nothing was ended.`, {}, { cause: error });
}
