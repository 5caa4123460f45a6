/** The sweeper without a worker: joined here, for the command line. It keeps no output, so it needs no log store. */
import { Client, Connection } from '@temporalio/client';
import { removeRun } from '../activities/remove-run.ts';
import type { Config } from '../config.ts';
import { JobsApi } from '../kubernetes/jobs-api.ts';
import { loadKubeConfig } from '../kubernetes/kube-config.ts';
import { RunWatch, type RunWatchLog } from '../kubernetes/run-watch.ts';
import { tellFreed } from '../limits/tell-freed.ts';
import { Sweeper, type SweeperDeps } from './sweeper.ts';

export interface OwnSweeper {
  readonly sweeper: Sweeper;
  readonly watch: RunWatch;
  readonly close: () => Promise<void>;
}

/** Temporal need not answer yet: each look finds out. @throws HoldfastError CONFIG_INVALID */
export async function openSweeper(
  config: Config,
  how: Pick<SweeperDeps, 'dryRun' | 'isThorough'>,
  log: RunWatchLog,
): Promise<OwnSweeper> {
  const { namespace, deadlineMs } = config.kubernetes;
  const kube = loadKubeConfig(config.kubernetes);
  const api = new JobsApi(kube, { namespace, deadlineMs });
  const watch = new RunWatch(kube, namespace, log);
  const connection = Connection.lazy(config.temporal.connectionOptions);
  const client = new Client({ connection, namespace: config.temporal.namespace });
  const tell = (limiter: string, run: string) => tellFreed(client, limiter, run);
  const sweeper = new Sweeper({
    api,
    client,
    taskQueue: config.taskQueue,
    remove: (run, temporalNamespaceId, signal, options) =>
      removeRun({ api, watch, temporalNamespaceId, tellFreed: tell }, run, signal, options),
    rules: config.sweepRules,
    ...how,
  });
  await watch.start();
  const close = async () => {
    watch.stop();
    await connection.close();
  };
  return { sweeper, watch, close };
}
