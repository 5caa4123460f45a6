/** The command line with HOLDFAST_URL set, as the real binary: it asks a gateway, and neither Temporal nor a cluster. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../lab/stage/until.ts';
import { HoldfastError } from '../../src/errors.ts';
import { SCOPES } from '../../src/gateway/caller.ts';
import { type Ended, HOLDFAST, type Running, startNode } from '../program.ts';
import { GatewayStage } from './gateway-stage.ts';
import { keptLog } from './kept-log.ts';
import { Moment, SUCCEEDED, untilCancelled, world } from './world.ts';

const KEY = 'the key';
let scene: GatewayStage;
let url: string;
let logDir: string;

beforeAll(async () => {
  logDir = await mkdtemp(join(tmpdir(), 'holdfast-cli-http-'));
  const identify = async (given: string | undefined) => {
    if (given === `Bearer ${KEY}`) return { name: 'cli', tenant: undefined, scopes: SCOPES };
    throw new HoldfastError('UNAUTHENTICATED', 'This is not the key.');
  };
  scene = await GatewayStage.open({ logDir, identify });
  url = await scene.app.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await scene.close();
  await rm(logDir, { recursive: true });
});

function begin(words: readonly string[], more: NodeJS.ProcessEnv = {}): Running {
  const env = { HOLDFAST_URL: url, HOLDFAST_API_KEY: KEY, TEMPORAL_ADDRESS: '127.0.0.1:1', ...more };
  return startNode([HOLDFAST, ...words], env);
}

const holdfast = (...words: readonly string[]): Promise<Ended> => begin(words).ended;
const command = (id: string, ...more: readonly string[]) => ['run', 'command', '--id', id, '--image', 'a', ...more];

function cast(activities: Parameters<typeof world>[0] = {}): string {
  const id = `cli-${randomUUID()}`;
  scene.stage.cast(id, world(activities));
  return id;
}

describe('over HTTP', () => {
  it('run follows a task to its end, and its status and log can be read', async () => {
    const { reach: letGo, reached: end } = new Moment();
    const id = cast({ follow: () => end.then(() => SUCCEEDED) });
    const { ended } = begin(command(id, '--json'));
    await until('it is started', async () => (await scene.client.describe(id).catch(() => undefined)) !== undefined);
    const write = await keptLog(scene.stage.client, logDir, id);
    await write('hello');
    letGo();
    const { exit, out } = await ended;
    expect([exit, JSON.parse(out)]).toEqual([
      0,
      expect.objectContaining({ taskId: id, isNew: true, outcome: 'succeeded' }),
    ]);
    expect(await holdfast('logs', '-f', id)).toMatchObject({ exit: 0, out: 'hello\n' });
    const status = await holdfast('status', id, '--json');
    expect(JSON.parse(status.out)).toMatchObject({ taskId: id, outcome: 'succeeded', result: { job: {} } });
    expect(await holdfast('cancel', id)).toMatchObject({ exit: 6 });
    expect(await holdfast(...command(id, '--cpu', '2'))).toMatchObject({ exit: 4 });
    await until('it is listed', async () => (await holdfast('list', '--limit', '1000')).out.includes(id));
  });

  it('cancel waits for the true answer, and Ctrl-C in run cancels', async () => {
    const id = cast({ follow: () => untilCancelled() });
    expect(await holdfast(...command(id, '--detach'))).toMatchObject({ exit: 0, out: `${id}\n` });
    await until('it runs', async () => (await scene.client.describe(id)).phase === 'running');
    const cancelled = await holdfast('cancel', id, '--json', '--reason', 'enough');
    expect([cancelled.exit, JSON.parse(cancelled.out)]).toEqual([0, { taskId: id, answer: 'cancelled_running' }]);
    expect(await scene.client.result(id)).toMatchObject({ outcome: 'cancelled', reason: 'enough' });

    const other = cast({ follow: () => untilCancelled() });
    const { child, ended } = begin(command(other, '--json'));
    await until(
      'it runs',
      async () => (await scene.client.describe(other).catch(() => undefined))?.phase === 'running',
    );
    child.kill('SIGINT');
    const { exit, out } = await ended;
    expect([exit, JSON.parse(out)]).toEqual([7, expect.objectContaining({ outcome: 'cancelled' })]);
  });

  it('what goes wrong has the same codes and exit codes', async () => {
    const unknown = `cli-${randomUUID()}`;
    for (const verb of ['status', 'cancel', 'logs']) expect(await holdfast(verb, unknown)).toMatchObject({ exit: 3 });
    const wrongKey = await begin(['list', '--json'], { HOLDFAST_API_KEY: 'another' }).ended;
    expect([wrongKey.exit, JSON.parse(wrongKey.out)]).toEqual([
      2,
      { error: expect.objectContaining({ code: 'UNAUTHENTICATED', message: 'This is not the key.' }) },
    ]);
    const nowhere = await begin(['list'], { HOLDFAST_URL: 'http://127.0.0.1:1' }).ended;
    expect(nowhere).toMatchObject({
      exit: 5,
      err: expect.stringContaining('No gateway answers at http://127.0.0.1:1'),
    });
  });

  it.each([
    [['sweep', '--once'], 'compares Kubernetes with Temporal'],
    [['kill', '--workload', 'command', '--yes'], 'over HTTP a task is killed by its id'],
  ])('%j says why it is not to be had', async (words, why) => {
    const { exit, err } = await holdfast(...words);
    expect(exit).toBe(2);
    expect(err).toContain(why);
    expect(err).toContain('Unset HOLDFAST_URL');
  });
});
