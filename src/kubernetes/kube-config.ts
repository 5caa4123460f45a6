/** A cluster is used only if it was named on purpose; its connections are used again; its credentials may be replaced. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import { isDeepStrictEqual } from 'node:util';
import {
  type ApiConstructor,
  type ApiType,
  type Cluster,
  type ConfigOptions,
  createConfiguration,
  KubeConfig,
  loadYaml,
  type RequestContext,
  ServerConfiguration,
  wrapHttpLibrary,
} from '@kubernetes/client-node';
import { Agent, type Dispatcher } from 'undici';
import { type Config, IN_CLUSTER } from '../config.ts';
import { HoldfastError } from '../errors.ts';
import { httpLibrary } from './http-library.ts';
import { LogConnections } from './log-connections.ts';

export function loadKubeConfig({ context, kubeconfig }: Config['kubernetes']): KubeConfig {
  const config = new LivingKubeConfig();
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
  if (config.getCurrentCluster() === null)
    throw new HoldfastError(
      'CONFIG_INVALID',
      `The context ${context} of the kubeconfig names a cluster that is not in it.`,
    );
  return config;
}

/** How long an idle connection is kept. Milliseconds; shorter than any load balancer's idle limit. */
const IDLE_MS = 15_000;

type DispatcherOptions = ReturnType<KubeConfig['createDispatcherOptions']>;

/** Of a kubeconfig: what client-node 2.0.1 leaves out of it. */
interface Written {
  readonly users?: readonly { readonly name: string; readonly user?: { readonly tokenFile?: string } }[];
}

/**
 * One agent serves all requests until the certificates change; the client itself would make one, and so a TLS handshake,
 * for every single request (client-node 2.0.1). A token file is read for each request: it is replaced while we run
 * (each hour, in a cluster), and reading it costs nothing beside a request.
 *
 * HTTP/1.1, though every API server would rather speak HTTP/2: when that connection is lost, undici 8.12 throws where
 * nobody can catch it, and the process ends. Logs, of which a worker follows thousands, have connections of their own.
 */
export class LivingKubeConfig extends KubeConfig {
  #given: unknown;
  #agent: Dispatcher | undefined;
  #logConnections: LogConnections | undefined;

  /** For the credentials that were applied last; undefined where a proxy stands between, or there is no TLS. */
  get logConnections(): LogConnections | undefined {
    return this.#logConnections;
  }

  override makeApiClient<T extends ApiType>(Api: ApiConstructor<T>): T {
    const baseServer = new ServerConfiguration(this.getCurrentCluster()?.server ?? '', {});
    const httpApi = wrapHttpLibrary(httpLibrary);
    return new Api(createConfiguration({ baseServer, authMethods: { default: this }, httpApi }));
  }

  override loadFromString(text: string, options?: Partial<ConfigOptions>): void {
    super.loadFromString(text, options);
    const files = new Map(loadYaml<Written>(text).users?.map(({ name, user }) => [name, user?.tokenFile]));
    this.users = this.users.map((user) => {
      const tokenFile = files.get(user.name);
      return tokenFile === undefined ? user : { ...user, authProvider: { name: 'tokenFile', config: { tokenFile } } };
    });
  }

  override makePathsAbsolute(folder: string): void {
    super.makePathsAbsolute(folder);
    for (const { authProvider } of this.users)
      if (tokenFileOf(authProvider) !== undefined)
        authProvider.config.tokenFile = resolve(folder, authProvider.config.tokenFile);
  }

  override createDispatcherOptions(...from: Parameters<KubeConfig['createDispatcherOptions']>): DispatcherOptions {
    const [cluster] = from;
    const options = super.createDispatcherOptions(...from);
    if (options.type === 'proxy' || options.type === 'socks')
      return { ...options, requestTls: { ...options.requestTls, allowH2: false } as typeof options.requestTls };
    // Without options of its own for TLS the client leaves it to undici's defaults, HTTP/2 among them.
    const given = options.type === 'agent' ? options.connect : {};
    if (this.#agent === undefined || !isDeepStrictEqual(given, this.#given)) this.#connectAnew(cluster, given);
    return { type: 'none' };
  }

  #connectAnew(cluster: Cluster | null, given: object): void {
    // For each connection Node would read the certificates anew, and keep them.
    const connect = { ...given, secureContext: createSecureContext(given) };
    this.#given = given;
    this.#agent = new Agent({ connect, allowH2: false, keepAliveTimeout: IDLE_MS }).compose(keptAfterDelete);
    const server = cluster?.server ?? '';
    // Those that are open go on with what they have, and close when they have nothing.
    this.#logConnections = server.startsWith('https:') ? new LogConnections(server, connect) : undefined;
  }

  override async applySecurityAuthentication(context: RequestContext): Promise<void> {
    await super.applySecurityAuthentication(context);
    const tokenFile = tokenFileOf(this.getCurrentUser()?.authProvider);
    if (tokenFile !== undefined)
      context.setHeaderParam('Authorization', `Bearer ${(await readFile(tokenFile, 'utf8')).trim()}`);
    if (context.getDispatcher() === undefined && this.#agent !== undefined) context.setDispatcher(this.#agent);
  }
}

/**
 * A DELETE with a body, as each of ours is, would cost its connection (undici 8.12): its author fears servers that take the
 * body for the next request. Go's is none of these.
 */
const keptAfterDelete: Dispatcher.DispatcherComposeInterceptor = (dispatch) => (options, handler) =>
  dispatch(options.method === 'DELETE' ? { ...options, reset: false } : options, handler);

function tokenFileOf(authProvider: { config?: { tokenFile?: string } } | undefined): string | undefined {
  return authProvider?.config?.tokenFile;
}
