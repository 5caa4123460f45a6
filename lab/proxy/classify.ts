/** Which request to the API server this is, in the words of the fence: a verb, a kind, a name. */
import type { IncomingMessage } from 'node:http';

export type Verb = 'create' | 'read' | 'list' | 'patch' | 'delete';
export type Kind = 'ConfigMap' | 'Job' | 'Pod';

export interface SeenRequest {
  /** Counts the requests that this proxy has seen, from 1. */
  readonly number: number;
  readonly verb: Verb;
  readonly kind: Kind;
  /** Name of the object, or the label selector of a list. */
  readonly of: string;
  readonly namespace: string;
}

const KINDS: Readonly<Record<string, Kind>> = { configmaps: 'ConfigMap', jobs: 'Job', pods: 'Pod' };
const VERBS: Readonly<Record<string, Verb>> = { POST: 'create', GET: 'read', PATCH: 'patch', DELETE: 'delete' };

/** Undefined for what has nothing to do with a task's fences: watches, logs, events, nodes, whole-namespace lists. */
export function classify(request: IncomingMessage, body: Buffer, number: number): SeenRequest | undefined {
  const url = new URL(request.url ?? '/', 'http://api');
  const match = /^\/apis?\/(?:batch\/)?v1\/namespaces\/([^/]+)\/(configmaps|jobs|pods)(?:\/([^/]+))?$/.exec(
    url.pathname,
  );
  const verb = VERBS[request.method ?? ''];
  if (match === null || verb === undefined || url.searchParams.has('watch')) return undefined;
  const [, namespace = '', plural = '', name] = match;
  const kind = KINDS[plural];
  if (kind === undefined) return undefined;
  if (name !== undefined) return { number, verb, kind, of: name, namespace };
  if (verb === 'create') return { number, verb, kind, of: nameIn(body), namespace };
  const selector = url.searchParams.get('labelSelector') ?? '';
  return selector.includes('holdfast.dev/') || selector.includes('controller-uid')
    ? { number, verb: 'list', kind, of: selector, namespace }
    : undefined;
}

function nameIn(body: Buffer): string {
  const object = JSON.parse(body.toString()) as { metadata?: { name?: string } };
  return object.metadata?.name ?? '';
}
