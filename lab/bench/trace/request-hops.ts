/** Pure: requests that passed the proxy, as hops; what has nothing to do with one task is left out. */
import type { Passed } from '../traffic.ts';
import type { Hop } from './hop.ts';

const VERBS: Readonly<Record<string, string>> = { POST: 'create', GET: 'read', PATCH: 'patch', DELETE: 'delete' };
const KINDS: Readonly<Record<string, string>> = { configmaps: 'anchor', jobs: 'Job', pods: 'Pod' };

export function hopsOfRequests(requests: readonly Passed[]): readonly Hop[] {
  return requests.flatMap(({ method, url, at, endedAt }): Hop[] => {
    const { pathname, searchParams } = new URL(url, 'http://api');
    const [, plural = '', name, part] = /\/namespaces\/[^/]+\/(\w+)(?:\/([^/]+))?(?:\/(\w+))?$/.exec(pathname) ?? [];
    const kind = KINDS[plural];
    // The sweeper's lists are of everything, and nobody waits for them.
    const isOfAll = searchParams.get('labelSelector') === 'app.kubernetes.io/managed-by=holdfast';
    if (kind === undefined || isOfAll || searchParams.has('watch')) return [];
    const verb = name === undefined && method === 'GET' ? 'list' : (VERBS[method] ?? method);
    const of = part === undefined ? kind : `the ${part} of the ${kind}`;
    const what = name === undefined && method === 'GET' ? `${verb} ${of}s` : `${verb} ${of}`;
    // A log is followed for as long as its container runs.
    const took = part === 'log' || endedAt === undefined ? undefined : endedAt - at;
    return [{ at, who: 'worker', what, ...(took !== undefined && { took }) }];
  });
}
