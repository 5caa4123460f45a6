/** Streams of the HTTP API on a real Temporal: nothing is lost, nothing comes twice, wherever the line breaks. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Context } from '@temporalio/activity';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Sighting } from '../../src/contract.ts';
import { HoldfastClient } from '../../src/client.ts';
import { createApp } from '../../src/gateway/app.ts';
import type { App } from '../../src/gateway/bare-app.ts';
import { anyone } from '../../src/gateway/auth/guard.ts';
import { GatewayMetrics } from '../../src/gateway/metrics.ts';
import { createLogger } from '../../src/telemetry.ts';
import { type Heard, listen } from '../gateway/event-stream.ts';
import { keptLog } from './kept-log.ts';
import { realTemporal, type Stage, TASK } from './stage.ts';
import { Moment, SUCCEEDED, world } from './world.ts';

let stage: Stage;
let client: HoldfastClient;
let app: App;
let url: string;
let logDir: string;
const log = createLogger('error');

beforeAll(async () => {
  stage = await realTemporal();
  logDir = await mkdtemp(join(tmpdir(), 'holdfast-streams-'));
  ({ app, url } = await listening(new AbortController().signal));
  client = new HoldfastClient(stage.client, { taskQueue: stage.taskQueue, logDir });
});
afterAll(async () => {
  await app.close();
  await stage.close();
  await rm(logDir, { recursive: true });
});

async function listening(stopping: AbortSignal): Promise<{ app: App; url: string }> {
  const { taskQueue } = stage;
  const client = new HoldfastClient(stage.client, { taskQueue, logDir });
  const metrics = new GatewayMetrics();
  const app = await createApp({ client, taskQueue, logDir, identify: anyone, rate: 100_000, log, metrics, stopping });
  return { app, url: await app.listen({ host: '127.0.0.1', port: 0 }) };
}

interface Showing {
  readonly id: string;
  /** What its heartbeats tell from now on. */
  readonly show: (sighting: Omit<Sighting, 'job'>) => void;
  readonly letGo: () => void;
}

/** A task that follows its Job and ends when it is let. */
async function showing(): Promise<Showing> {
  const { reach: letGo, reached: end } = new Moment();
  const id = `stream-${randomUUID()}`;
  const follows = new Moment();
  let shown: Omit<Sighting, 'job'> = {};
  stage.cast(
    id,
    world({
      async follow(_, job) {
        const beat = setInterval(() => Context.current().heartbeat({ ...shown, job }), 50);
        follows.reach();
        return end.then(() => SUCCEEDED).finally(() => clearInterval(beat));
      },
    }),
  );
  await client.start(TASK, { id });
  await follows.reached;
  return { id, show: (sighting) => (shown = sighting), letGo };
}

const of = (heard: readonly Heard[], event: string) =>
  heard.filter((one) => one.event === event).map(({ data }) => data);

describe('the events of a task', () => {
  it('are its phases, what is seen of it, and its outcome, with which they end', async () => {
    const problem = { code: 'UNSCHEDULABLE', message: 'No node has room yet.' };
    const { id, show, letGo } = await showing();
    show({ problem });
    const heard: Heard[] = [];
    for await (const event of listen(`${url}/v1/tasks/${id}/events`)) {
      heard.push(event);
      if (event.event === 'diagnosis') show({ progress: { done: 1, total: 2 } });
      if (event.event === 'progress') letGo();
    }
    const phases = of(heard, 'phase').map(({ phase }) => phase);
    expect(phases).toEqual(['provisioning', 'running', 'ended']);
    expect(of(heard, 'diagnosis')[0]).toMatchObject({ diagnosis: problem });
    expect(of(heard, 'diagnosis').at(-1)).toEqual({ diagnosis: null });
    expect(of(heard, 'progress')).toMatchObject([{ progress: { done: 1, total: 2 } }]);
    expect(heard.at(-1)).toMatchObject({
      event: 'outcome',
      data: { task_id: id, outcome: 'succeeded', output: { exitCode: 0 } },
    });
  });

  it('go on after the last that was had, from another gateway, without a gap and without a repeat', async () => {
    const { id, letGo } = await showing();
    letGo();
    await client.result(id);
    const whole = await Array.fromAsync(listen(`${url}/v1/tasks/${id}/events`));
    expect(whole.length).toBeGreaterThan(3);
    const other = await listening(new AbortController().signal);
    for (const [at, { id: last }] of whole.slice(0, -1).entries()) {
      const rest = await Array.fromAsync(listen(`${other.url}/v1/tasks/${id}/events`, last));
      expect(rest).toEqual(whole.slice(at + 1));
    }
    expect(await Array.fromAsync(listen(`${other.url}/v1/tasks/${id}/events`, 'of.nothing'))).toEqual(whole);
    await other.app.close();
  });
});

it('a stream ends when the gateway stops, and tells its reader to ask again', async () => {
  const stop = new AbortController();
  const leaving = await listening(stop.signal);
  const { id, letGo } = await showing();
  const answer = await fetch(`${leaving.url}/v1/tasks/${id}/events`);
  stop.abort();
  const text = await answer.text();
  expect(text).toMatch(/: this gateway stops; ask again with Last-Event-ID\nretry: 1000\n\n$/);
  expect(text).not.toContain('event: outcome');
  await leaving.app.close();
  letGo();
  await client.result(id);
});

describe('the log of a task', () => {
  it('is followed line by line to its end; whoever comes back gets what is left, each line once', async () => {
    const { id, letGo } = await showing();
    const write = await keptLog(stage.client, logDir, id);
    await write('one', 'two');
    const heard: Heard[] = [];
    for await (const event of listen(`${url}/v1/tasks/${id}/logs?follow=true`)) {
      heard.push(event);
      if (event.data['text'] === 'two') await write('three', 'vier\u2028fünf');
      if (event.data['text'] === 'three') {
        await write('last');
        letGo();
      }
    }
    expect(of(heard, 'line').map(({ text }) => text)).toEqual(['one', 'two', 'three', 'vier\u2028fünf', 'last']);
    expect(heard.at(-1)).toMatchObject({ event: 'end', data: { outcome: 'succeeded' } });
    for (const [at, { id: last }] of heard.slice(0, -1).entries())
      expect(await Array.fromAsync(listen(`${url}/v1/tasks/${id}/logs?follow`, last))).toEqual(heard.slice(at + 1));
    const { status } = await fetch(`${url}/v1/tasks/${id}/logs?follow`, {
      headers: { 'last-event-id': heard.at(-1)?.id ?? '' },
    });
    expect(status).toBe(204);
    const plain = await (await fetch(`${url}/v1/tasks/${id}/logs`)).text();
    expect(
      plain
        .trimEnd()
        .split('\n')
        .map((row) => (JSON.parse(row) as { text: string }).text),
    ).toHaveLength(5);
  });
});
