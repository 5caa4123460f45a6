/** A cluster is used only if it was named on purpose; and its connections are used again. */
import { isDeepStrictEqual } from 'node:util';
import { KubeConfig, type RequestContext } from '@kubernetes/client-node';
import { Agent } from 'undici';
import { type Config, IN_CLUSTER } from '../config.ts';
import { HoldfastError } from '../errors.ts';

export function loadKubeConfig({ context, kubeconfig }: Config['kubernetes']): KubeConfig {
  const config = new ReusingKubeConfig();
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

/** How long an idle connection is kept. Milliseconds; shorter than any load balancer's idle limit. */
const IDLE_MS = 15_000;

type AgentOptions = ConstructorParameters<typeof Agent>[0];
type DispatcherOptions = ReturnType<KubeConfig['createDispatcherOptions']>;

/**
 * The client makes an agent, and so a TLS handshake, for every single request (client-node 2.0.1). Here one agent serves
 * them all, until the credentials change.
 */
class ReusingKubeConfig extends KubeConfig {
  #connect: unknown;
  #agent: Agent | undefined;

  override createDispatcherOptions(...given: Parameters<KubeConfig['createDispatcherOptions']>): DispatcherOptions {
    const options = super.createDispatcherOptions(...given);
    if (options.type !== 'agent') return options;
    if (this.#agent === undefined || !isDeepStrictEqual(options.connect, this.#connect)) {
      this.#connect = options.connect;
      this.#agent = new Agent({ connect: options.connect, keepAliveTimeout: IDLE_MS } as AgentOptions);
    }
    return { type: 'none' };
  }

  override async applySecurityAuthentication(context: RequestContext): Promise<void> {
    await super.applySecurityAuthentication(context);
    if (context.getDispatcher() === undefined && this.#agent !== undefined) context.setDispatcher(this.#agent);
  }
}
