/** A cluster is used only if it was named on purpose. */
import { KubeConfig } from '@kubernetes/client-node';
import { type Config, IN_CLUSTER } from '../config.ts';
import { HoldfastError } from '../errors.ts';

export function loadKubeConfig({ context, kubeconfig }: Config['kubernetes']): KubeConfig {
  const config = new KubeConfig();
  if (context === undefined)
    throw new HoldfastError(
      'CONFIG_INVALID',
      'HOLDFAST_KUBE_CONTEXT is not set, and Holdfast never takes the current context silently. Name one, or run `npm run up` for a local cluster.',
    );
  if (context === IN_CLUSTER) {
    config.loadFromCluster();
    return config;
  }
  if (kubeconfig === undefined) config.loadFromDefault();
  else config.loadFromFile(kubeconfig);
  const names = config.getContexts().map(({ name }) => name);
  if (!names.includes(context))
    throw new HoldfastError(
      'CONFIG_INVALID',
      `The kubeconfig has no context ${context}; it has ${names.join(', ') || 'none'}.`,
    );
  config.setCurrentContext(context);
  return config;
}
