/** A task that ends well at the moment that the test chooses. */
import { PassThrough } from 'node:stream';
import { Exec } from '@kubernetes/client-node';
import { CONTAINER } from '../../src/kubernetes/job.ts';
import type { Scene } from './scene.ts';

export const UNTIL_TOLD = 'trap "exit 0" USR1; trap "exit 143" TERM; echo began; sleep 600 & wait';

/** Past the product: a signal to the container's own process. */
export async function tellToFinish(scene: Scene, taskId: string): Promise<void> {
  const pod = (await scene.remains(taskId)).pods[0]?.metadata?.name ?? '';
  const output = new PassThrough();
  const { promise: told, resolve } = Promise.withResolvers<unknown>();
  const signal = ['kill', '-USR1', '1'];
  await new Exec(scene.kube).exec(scene.namespace, pod, CONTAINER, signal, output, output, null, false, resolve);
  await told;
}
