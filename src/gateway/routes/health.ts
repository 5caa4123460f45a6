import { z } from 'zod';
import type { App } from '../bare-app.ts';
import type { Deps } from '../deps.ts';
import { readiness } from '../readiness.ts';
import { refusals } from '../wire/problem.ts';

const alive = z.object({ status: z.literal('ok') }).meta({ id: 'Alive' });
const ready = z
  .object({
    status: z.enum(['ready', 'not_ready', 'stopping']),
    temporal: z.boolean().describe('Whether Temporal answers for its namespace.'),
    workers: z.boolean().describe('Whether a worker asked for work within the last 70 s.'),
    retention_seconds: z
      .number()
      .nullable()
      .describe('How long a task that has ended is answered for: the retention of the Temporal namespace.'),
  })
  .meta({ id: 'Ready' });
const require = z
  .enum(['workers', 'temporal'])
  .default('workers')
  .describe(
    'temporal: ready without a worker, too. A cancel is recorded without one, so a load balancer asks for this.',
  );

const open = { tags: ['service'], security: [] };

export function healthRoutes(app: App, deps: Deps): void {
  const livez = {
    ...open,
    operationId: 'live',
    summary: 'Whether the process lives',
    response: { 200: alive, ...refusals() },
  };
  app.get('/livez', { schema: livez }, async () => ({ status: 'ok' as const }));

  const readyz = {
    ...open,
    operationId: 'ready',
    summary: 'Whether it can do its work',
    description: 'Kubernetes is the business of the workers, and is not asked: only a kill needs it here.',
    querystring: z.strictObject({ require }),
    response: { ...refusals(), 200: ready, 503: ready },
  };
  app.get('/readyz', { schema: readyz }, async ({ query }, reply) => {
    const { temporal, workers, retentionSeconds: retention_seconds = null } = await readiness(deps);
    const isReady = temporal && (workers || query.require === 'temporal');
    const told = { temporal, workers, retention_seconds };
    if (deps.stopping.aborted) return reply.code(503).send({ status: 'stopping', ...told });
    return reply.code(isReady ? 200 : 503).send({ status: isReady ? 'ready' : 'not_ready', ...told });
  });

  const metrics = {
    ...open,
    operationId: 'metrics',
    summary: 'Metrics for Prometheus',
    response: { ...refusals(), 200: { description: 'The page.', content: { 'text/plain': { schema: z.string() } } } },
  };
  app.get('/metrics', { schema: metrics }, async (_, reply) => {
    reply.header('content-type', deps.metrics.contentType).serializer((page: string) => page);
    return deps.metrics.page();
  });
}
