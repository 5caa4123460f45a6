/** The gateway as a process: how it ends, and that it does not begin in the open. */
import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HoldfastClient } from '../../src/client.ts';
import { GatewayProcess } from '../gateway/process.ts';
import { realTemporal, type Stage, TASK } from './stage.ts';
import { Moment, RELEASED, untilCancelled, world } from './world.ts';

let stage: Stage;

beforeAll(async () => {
  stage = await realTemporal();
});
afterAll(() => stage.close());

/** As a front end with connections of its own would: one is kept alive and idle. */
async function send(agent: Agent, url: string, method = 'GET'): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const headers = method === 'POST' ? { 'content-type': 'application/json' } : {};
    const sent = request(url, { agent, method, headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
    });
    sent.on('error', reject);
    sent.end(method === 'POST' ? '{}' : undefined);
  });
}

describe('at SIGTERM', () => {
  it('answers what is under way with what is true, closes what is idle, and exits with 0', async () => {
    const { taskQueue } = stage;
    const gateway = await GatewayProcess.start({ HOLDFAST_GATEWAY_AUTH: 'none', HOLDFAST_TASK_QUEUE: taskQueue });
    const client = new HoldfastClient(stage.client, { taskQueue, logDir: '/nowhere' });
    const { reach, reached } = new Moment();
    const { reach: letGo, reached: answer } = new Moment();
    const follows = new Moment();
    const id = `http-${randomUUID()}`;
    stage.cast(
      id,
      world({
        follow: () => (follows.reach(), untilCancelled()),
        release: () => (reach(), answer.then(() => RELEASED)),
      }),
    );
    await client.start(TASK, { id });
    await follows.reached;
    const agent = new Agent({ keepAlive: true });
    expect(await send(agent, `${gateway.url}/livez`)).toMatchObject({ status: 200 });
    const waiting = send(agent, `${gateway.url}/v1/tasks/${id}/cancel?wait=5m`, 'POST');
    await reached;
    // A second connection, idle and kept alive from here on.
    expect(await send(agent, `${gateway.url}/livez`)).toMatchObject({ status: 200 });
    gateway.signal('SIGTERM');
    const { status, body } = await waiting;
    expect({ status, ...(JSON.parse(body) as object) }).toMatchObject({ status: 'cancelling', phase: 'releasing' });
    expect(status).toBe(202);
    // Well before the 72 s for which Node keeps an idle connection.
    expect(await gateway.exited).toBe(0);
    expect(gateway.output).toContain('"gateway stopped"');
    agent.destroy();
    letGo();
    expect(await client.result(id)).toMatchObject({ outcome: 'cancelled' });
  });
});

it.each([
  ['nothing is said about who may use it', {}],
  [
    'tasks are to be answered for longer than Temporal remembers them',
    { HOLDFAST_GATEWAY_AUTH: 'none', HOLDFAST_GATEWAY_RETENTION_HOURS: '87600' },
  ],
  ['Temporal is away', { HOLDFAST_GATEWAY_AUTH: 'none', TEMPORAL_ADDRESS: '127.0.0.1:1' }],
  ['Temporal has no such namespace', { HOLDFAST_GATEWAY_AUTH: 'none', TEMPORAL_NAMESPACE: 'nobody-made-it' }],
  [
    'everybody may, and not only from loopback',
    { HOLDFAST_GATEWAY_AUTH: 'none', HOLDFAST_GATEWAY_ADDRESS: '0.0.0.0:1' },
  ],
])('does not listen if %s', async (_, env) => {
  await expect(GatewayProcess.start(env)).rejects.toThrow(/ended before it was ready/);
});
