/** The HTTP API: what every request goes through, and the routes, a line for each file. */
import type { FastifyRequest } from 'fastify';
import { serializerCompiler } from 'fastify-type-provider-zod';
import { HoldfastError } from '../errors.ts';
import { version } from '../version.ts';
import { guard } from './auth/guard.ts';
import { limitRate } from './auth/rate.ts';
import { type App, bareApp } from './bare-app.ts';
import type { Caller } from './caller.ts';
import { checkRequest } from './check.ts';
import type { Deps } from './deps.ts';
import { describe } from './openapi.ts';
import { answerError, sendProblem } from './problem.ts';
import { bulkCancelRoute } from './routes/bulk-cancel.ts';
import { cancelRoutes } from './routes/cancel.ts';
import { descriptionRoutes } from './routes/description.ts';
import { healthRoutes } from './routes/health.ts';
import { killRoute } from './routes/kill.ts';
import { startRoutes } from './routes/start.ts';
import { streamRoutes } from './routes/streams.ts';
import { taskRoutes } from './routes/tasks.ts';

export async function createApp(deps: Deps): Promise<App> {
  const app = bareApp(deps);
  app.setValidatorCompiler(checkRequest);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(answerError);
  app.setNotFoundHandler((request, reply) => sendProblem(unknownRoute(request), request, reply));
  acceptNoBody(app);
  describe(app, version());
  observe(app, deps);
  guard(app, deps.identify, await limitRate(app, deps.rate));
  await app.register(async () => {
    startRoutes(app, deps);
    taskRoutes(app, deps);
    cancelRoutes(app, deps);
    bulkCancelRoute(app, deps);
    killRoute(app, deps);
    streamRoutes(app, deps);
    healthRoutes(app, deps);
    descriptionRoutes(app);
  });
  return app;
}

/** `Content-Type: application/json` with nothing after it, as front ends send it, is no body. */
function acceptNoBody(app: App): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else void parse(request, String(body), done);
  });
}

/** Request ids, one line in the log and one count for each request. */
function observe(app: App, { metrics, stopping }: Deps): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
  });
  app.addHook('onSend', async (_, reply) => {
    // Else it would be kept alive, and the stop would wait for it.
    if (stopping.aborted) reply.header('connection', 'close');
  });
  app.addHook('onResponse', async (request, reply) => {
    const { method } = request;
    const route = request.routeOptions.url ?? 'unknown';
    const { statusCode: status, elapsedTime } = reply;
    metrics.requestAnswered({ method, route, status, seconds: elapsedTime / 1_000 });
    const { id: taskId } = (request.params ?? {}) as { id?: string };
    const caller = request.caller as Caller | undefined;
    // Who proved nothing can only be told by where they are.
    const who = caller === undefined ? { address: request.ip } : { caller: caller.name };
    const fields = { method, route, status, ms: Math.round(elapsedTime), ...who, taskId };
    request.log.info(fields, 'request answered');
  });
}

function unknownRoute({ method, url }: FastifyRequest): HoldfastError {
  const [path = ''] = url.split('?');
  return new HoldfastError('ROUTE_UNKNOWN', `There is no ${method} ${path.slice(0, 200)} here.`);
}
