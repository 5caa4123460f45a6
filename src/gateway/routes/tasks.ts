import type { App } from '../bare-app.ts';
import { ask, type Deps } from '../deps.ts';
import { type Page, pages } from '../list.ts';
import { visibleTask } from '../visible-task.ts';
import { idParameter, listQuery } from '../wire/parameters.ts';
import { refusals } from '../wire/problem.ts';
import { result, task, taskPage, wireResult, wireTask } from '../wire/task.ts';

/** Pages of Temporal's that one request looks through for the first task that the caller may see. */
const MOST_PAGES = 20;

const read = { config: { scope: 'read' } } as const;
const tags = ['tasks'];

export function taskRoutes(app: App, deps: Deps): void {
  const list = {
    tags,
    operationId: 'listTasks',
    summary: 'List tasks',
    querystring: listQuery,
    response: { 200: taskPage, ...refusals() },
  };
  app.get('/v1/tasks', { ...read, schema: list }, async ({ query, caller }) => {
    const { limit, page_token: from, ...filter } = query;
    let last: Page = { tasks: [], next: null };
    let looked = 0;
    for await (last of pages(deps, caller, filter, { limit, from }))
      if (last.tasks.length > 0 || (looked += 1) >= MOST_PAGES) break;
    return { tasks: last.tasks.map(wireTask), next_page_token: last.next };
  });

  const one = {
    tags,
    operationId: 'describeTask',
    summary: 'See where a task is',
    params: idParameter,
    response: { 200: task, ...refusals() },
  };
  app.get('/v1/tasks/:id', { ...read, schema: one }, async ({ params, caller }) =>
    wireTask(await visibleTask(deps, caller, params.id)),
  );

  const ending = {
    tags,
    operationId: 'readResult',
    summary: 'Read how a task ended',
    description: 'While it has not ended: 202, with `outcome` null.',
    params: idParameter,
    response: { 200: result, 202: result, ...refusals() },
  };
  app.get('/v1/tasks/:id/result', { ...read, schema: ending }, async ({ params, caller }, reply) => {
    const view = await visibleTask(deps, caller, params.id);
    if (view.open) return reply.code(202).header('retry-after', '1').send(wireResult(view));
    return wireResult(view, await ask(deps, () => deps.client.result(params.id)));
  });
}
