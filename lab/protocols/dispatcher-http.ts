/** The dispatcher as an HTTP service on loopback, and the call to it, which is made again until there is an answer. */
import { createServer, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Dispatcher, Reply, Routes } from './protocol.ts';

export function serve(routes: Routes, port: number): Promise<void> {
  const server = createServer((incoming, response) => {
    const url = new URL(incoming.url ?? '/', 'http://dispatcher');
    const answer = (status: number, body: string) => response.writeHead(status).end(body);
    const route = routes[url.pathname];
    if (route === undefined) return answer(404, 'no such route');
    route(url.searchParams.get('id') ?? '').then(
      (reply) => answer(200, reply),
      (error: unknown) => answer(500, String(error)),
    );
  });
  // A create may be on its way for long; whoever asked decides how long to wait.
  server.requestTimeout = 0;
  return new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
}

/** Without an answer (the dispatcher is down, or failed) it asks again: every route may be called twice. */
export function dispatcherAt(port: number): Dispatcher {
  return {
    post: async (route, id) => {
      for (;;) {
        const { status, body } = await post(port, `${route}?id=${id}`).catch(() => ({ status: 503, body: '' }));
        if (status === 200) return body as Reply;
        await sleep(200);
      }
    },
  };
}

function post(port: number, path: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const call = request({ host: '127.0.0.1', port, path, method: 'POST' }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 500, body: Buffer.concat(chunks).toString() }));
    });
    call.on('error', reject);
    call.end();
  });
}
