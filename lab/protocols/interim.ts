/**
 * The interim solution: naive, a listener that looks at the status when a Job appears, and a clean-up every five
 * minutes that does the same for every Job there is. Both run in a process of their own.
 *
 * Assumes that the listener and the clean-up are deployed and watched, that nobody reuses a name, and that compute of a
 * cancelled task for as long as they take is acceptable. Price: a watch and a list of all Jobs; one more process.
 * Broken, in the sense of the promise, by design: the late Job starts its container before anyone sees it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { BatchV1Api, makeInformer, type V1Job } from '@kubernetes/client-node';
import { ID_LABEL } from './jobs.ts';
import { naive } from './naive.ts';
import type { Baseline, Parts } from './protocol.ts';
import { isEnded } from './records.ts';

async function beside(parts: Parts): Promise<void> {
  await listen(parts);
  for (;;) {
    await sleep(parts.cleanUpSeconds * 1_000);
    for (const job of await parts.jobs.list().catch(() => [])) void removeIfEnded(parts, job);
  }
}

async function listen(parts: Parts): Promise<void> {
  const { config, namespace } = parts.jobs;
  const batch = config.makeApiClient(BatchV1Api);
  const list = () => batch.listNamespacedJob({ namespace, labelSelector: ID_LABEL });
  const informer = makeInformer(config, `/apis/batch/v1/namespaces/${namespace}/jobs`, list, ID_LABEL);
  informer.on('add', (job) => void removeIfEnded(parts, job));
  informer.on('error', () => void setTimeout(() => void informer.start(), 1_000));
  await informer.start();
}

async function removeIfEnded({ records, jobs }: Parts, job: V1Job): Promise<void> {
  const id = job.metadata?.labels?.[ID_LABEL];
  const status = id === undefined ? undefined : records.status(id);
  if (id === undefined || status === undefined || !isEnded(status)) return;
  await jobs.kill(id).catch(() => undefined);
}

export const interim: Baseline = {
  ...naive,
  name: 'interim',
  title: 'Interim: naive, a listener, a clean-up every few minutes',
  assumes: 'listener and clean-up live; a late container may run until they act',
  price: 'one more process, which must be watched itself',
  beside,
};
