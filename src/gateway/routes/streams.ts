import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { cursorOf, END } from '../../client/news.ts';
import { HoldfastError } from '../../errors.ts';
import { taskLabel } from '../../fence.ts';
import { LogStore } from '../../logs/store.ts';
import type { App } from '../bare-app.ts';
import { ask, type Deps } from '../deps.ts';
import { Feeds } from '../streams/feed.ts';
import { ENDED, hadOf, linesSince, taskEvents, taskLog } from '../streams/follow.ts';
import { lookingAtTasks } from '../streams/sight.ts';
import { QUIET_MS, sendStream, STREAM_TYPE, STUCK_MS } from '../streams/sse.ts';
import { visibleTask } from '../visible-task.ts';
import { idParameter, logsQuery, resumeHeaders } from '../wire/parameters.ts';
import { refusals } from '../wire/problem.ts';

const stream = { description: 'Server-Sent Events.', content: { [STREAM_TYPE]: { schema: z.string() } } };
const nothing = z.undefined().describe('Everything was had already; a browser asks no more.');
const LINES = 'application/x-ndjson';
const HABITS = `A comment every ${QUIET_MS / 1_000} s while nothing happens; who reads nothing for ${STUCK_MS / 1_000} s while there is something to read is cut.`;

const config = { scope: 'read' } as const;
const tags = ['streams'];

export function streamRoutes(app: App, deps: Deps): void {
  const store = new LogStore(deps.logDir);
  /** As the log store names tasks. */
  const label = async (id: string) => taskLabel(await ask(deps, () => deps.client.namespaceId()), id);
  const feeds = new Feeds(lookingAtTasks({ ...deps, store, label }));

  const events = {
    tags,
    operationId: 'followTask',
    summary: 'Follow a task until it has ended',
    description: `Events: phase, progress, diagnosis, and at the end outcome, which is the result. With Last-Event-ID it goes on without a gap, on whatever gateway. ${HABITS}`,
    params: idParameter,
    headers: resumeHeaders,
    response: { 200: stream, 204: nothing, ...refusals() },
  };
  app.get('/v1/tasks/:id/events', { config, schema: events }, async ({ params: { id }, headers, caller }, reply) => {
    const { runId } = await visibleTask(deps, caller, id);
    const cursor = cursorOf(headers['last-event-id']);
    if (cursor?.seen === END && cursor.runId === runId) return reply.code(204).send();
    return sendStream(deps, reply, 'events', (signal) => taskEvents(feeds, id, cursor, signal));
  });

  const logs = {
    tags,
    operationId: 'readLogs',
    summary: 'Read what the containers of a task wrote',
    description: `A line of JSON for each: file, time, text. With follow=true as events named line, until the task has ended and all is read; then one named end. ${HABITS}`,
    params: idParameter,
    querystring: logsQuery,
    headers: resumeHeaders,
    response: {
      200: { ...stream, content: { ...stream.content, [LINES]: { schema: z.string() } } },
      204: nothing,
      ...refusals(),
    },
  };
  app.get('/v1/tasks/:id/logs', { config, schema: logs }, async ({ params: { id }, query, headers, caller }, reply) => {
    await visibleTask(deps, caller, id);
    const last = headers['last-event-id'];
    const had = hadOf(last);
    if (query.follow && last?.endsWith(ENDED)) return reply.code(204).send();
    if (query.follow) return sendStream(deps, reply, 'logs', (signal) => taskLog(feeds, store, id, had, signal));
    const run = (await store.runsOf(await label(id))).at(-1);
    if (run === undefined) throw new HoldfastError('LOGS_UNAVAILABLE', `No output of task ${id} is here.`);
    return sendLines(reply, linesSince(store, run, had, true));
  });
}

function sendLines(reply: FastifyReply, lines: ReturnType<typeof linesSince>): FastifyReply {
  async function* rows(): AsyncGenerator<string> {
    for await (const { had: _, ...line } of lines) yield `${JSON.stringify(line)}\n`;
  }
  return reply.type(LINES).send(Readable.from(rows(), { objectMode: false }));
}
