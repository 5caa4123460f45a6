import { homedir } from 'node:os';
import { join } from 'node:path';
import { obstacle } from '../obstacle.ts';
import type { KubernetesState } from '../state.ts';
import { api, ensureNamespace, kubeNamespace } from './local.ts';

/** A cluster that the reader named. Nothing is started there but what tasks need: one namespace. */
export async function existingCluster(context: string): Promise<KubernetesState> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  config.loadFromDefault();
  const known = config.getContexts().map(({ name }) => name);
  if (!known.includes(context))
    throw obstacle(
      `There is no Kubernetes context named ${context} (known: ${known.join(', ') || 'none'})`,
      'running tasks on the cluster you named',
      'name one of those',
      'set KUBECONFIG to the file that has it',
      'leave it out for a local cluster',
    );
  config.setCurrentContext(context);
  await ensureNamespace(await api(undefined, context));
  return {
    kubeconfig: process.env['KUBECONFIG'] || join(homedir(), '.kube', 'config'),
    context,
    server: config.getCurrentCluster()?.server,
    namespace: kubeNamespace,
    containers: 'real',
    isOurs: false,
    kubectl: undefined,
  };
}
