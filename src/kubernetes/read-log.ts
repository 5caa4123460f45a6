/** One container's log, by HTTP/2 where the server speaks it and nothing stands between, else by HTTP/1.1. */
import { HttpMethod, type KubeConfig, RequestContext } from '@kubernetes/client-node';
import { request as open } from 'undici';
import { ApiError, fromStatus, toApiError } from './api-error.ts';
import { LivingKubeConfig } from './kube-config.ts';
import { bytesOf, headersOf } from './log-stream.ts';

export interface LogRequest {
  readonly pod: string;
  readonly container: string;
  readonly follow: boolean;
  /** RFC 3339; lines at or after it. */
  readonly since?: string;
}

export interface LogServer {
  readonly config: KubeConfig;
  readonly namespace: string;
  /** Milliseconds. */
  readonly deadlineMs: number;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: AsyncIterable<Uint8Array>;
}

/** Each line with its timestamp. The deadline covers the answer, not the stream. */
export async function* readLog(
  server: LogServer,
  request: LogRequest,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const what = `read log of ${request.pod}/${request.container}`;
  try {
    const { status, headers, body } = await openLog(server, what, request, signal);
    if (status !== 200)
      throw fromStatus(what, status, await textOf(body), { 'retry-after': String(headers['retry-after'] ?? '') });
    yield* body;
  } catch (error) {
    signal.throwIfAborted();
    throw toApiError(error, what);
  }
}

async function openLog(server: LogServer, what: string, request: LogRequest, signal: AbortSignal): Promise<Answer> {
  const url = urlOf(server, what, request);
  const context = new RequestContext(url.toString(), HttpMethod.GET);
  await server.config.applySecurityAuthentication(context);
  const opening = new AbortController();
  const timer = setTimeout(() => opening.abort(new Error('deadline')), server.deadlineMs);
  try {
    const until = AbortSignal.any([signal, opening.signal]);
    return (await byHttp2(server.config, url, context, until, signal)) ?? (await byHttp1(url, context, until));
  } finally {
    clearTimeout(timer);
  }
}

function urlOf({ config, namespace }: LogServer, what: string, { pod, container, follow, since }: LogRequest): URL {
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new ApiError('refused', `${what}: the kubeconfig has no current cluster`);
  const url = new URL(`${cluster.server}/api/v1/namespaces/${namespace}/pods/${pod}/log`);
  url.searchParams.set('container', container);
  url.searchParams.set('timestamps', 'true');
  if (follow) url.searchParams.set('follow', 'true');
  if (since !== undefined) url.searchParams.set('sinceTime', since);
  return url;
}

async function byHttp2(
  config: KubeConfig,
  url: URL,
  context: RequestContext,
  opening: AbortSignal,
  signal: AbortSignal,
): Promise<Answer | undefined> {
  const connections = config instanceof LivingKubeConfig ? config.logConnections : undefined;
  const stream = await connections?.get(url, context.getHeaders(), opening);
  if (stream === undefined) return undefined;
  return { ...(await headersOf(stream, opening)), body: bytesOf(stream, signal) };
}

async function byHttp1(url: URL, context: RequestContext, signal: AbortSignal): Promise<Answer> {
  const dispatcher = context.getDispatcher();
  const options = { headers: context.getHeaders(), signal, ...(dispatcher && { dispatcher }) };
  const { statusCode, headers, body } = await open(url, options);
  return { status: statusCode, headers, body: body as AsyncIterable<Uint8Array> };
}

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  return Buffer.concat(await Array.fromAsync(body)).toString();
}
