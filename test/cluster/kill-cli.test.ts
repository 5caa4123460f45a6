/** `holdfast kill` as the real binary, with nobody at its terminal and no worker alive. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Ended } from '../program.ts';
import { Processes } from './processes.ts';
import { abandoned, command, FOREVER, images, openScene, phaseOf, type Scene } from './scene.ts';

let scene: Scene;
let busybox: string;
let processes: Processes;

beforeAll(async () => {
  ({ busybox } = await images());
  scene = await openScene();
  processes = new Processes(scene);
});
afterAll(async () => {
  processes.end();
  await scene.close();
});

const nothing = { anchors: [], jobs: [], pods: [] };

describe('holdfast kill', () => {
  const holdfast = (...words: readonly string[]): Promise<Ended> => processes.holdfast(['kill', ...words]).ended;

  const taskIds = (lines: string) =>
    lines
      .trim()
      .split('\n')
      .filter(Boolean)
      .map((line) => (JSON.parse(line) as { taskId: string }).taskId);

  it('ends one task, and says who in its history', async () => {
    const [id = ''] = await abandoned(scene, 'Running', command(busybox, FOREVER));
    const { exit, out } = await holdfast(id, '--reason', 'stuck', '--wait', '2m', '--json');
    expect([exit, JSON.parse(out)]).toEqual([0, expect.objectContaining({ taskId: id, answer: 'killed' })]);
    const { events } = await scene.client.temporal.workflow.getHandle(id).fetchHistory();
    const told = events?.at(-1)?.workflowExecutionTerminatedEventAttributes;
    expect(told).toMatchObject({ reason: 'killed: stuck', identity: expect.stringContaining('@') });
    expect(await holdfast(randomUUID())).toMatchObject({ exit: 3, out: '' });
  });

  it('of many lists first, asks or refuses, and ends all that is meant and nothing else', async () => {
    const marked = command(busybox, FOREVER, { network: 'cluster' });
    const [one = '', two = '', other = ''] = await abandoned(
      scene,
      'Running',
      marked,
      marked,
      command(busybox, FOREVER),
    );
    const filter = ['--workload', 'command', '--label', 'holdfast.dev/network=cluster'];
    const listed = await holdfast(...filter, '--dry-run', '--json');
    expect(taskIds(listed.out).toSorted()).toEqual([one, two].toSorted());
    expect(await holdfast(...filter)).toMatchObject({ exit: 2 });
    expect(await holdfast(...filter, '--older-than', '1d', '--yes', '--json')).toMatchObject({ exit: 0, out: '' });
    for (const id of [one, two, other]) expect(await phaseOf(scene, id)).toBe('Running');

    const killed = await holdfast(...filter, '--wait', '2m', '--yes', '--json');
    expect(killed.exit).toBe(0);
    expect(taskIds(killed.out).toSorted()).toEqual([one, two].toSorted());
    for (const id of [one, two]) expect(await scene.remains(id)).toEqual(nothing);
    expect(await phaseOf(scene, other)).toBe('Running');
    await scene.client.kill(other);
  });
});
