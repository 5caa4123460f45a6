/** Where something is measured: the servers, the machine and what else it does. */
import { cpus, loadavg } from 'node:os';
import { VersionApi } from '@kubernetes/client-node';
import { Connection } from '@temporalio/client';
import { type Config, readConfig } from '../../src/config.ts';
import { loadKubeConfig } from '../../src/kubernetes/kube-config.ts';
import { holdfastVersion } from './version.ts';

export interface Setting {
  readonly nodes: 'real' | 'simulated';
  readonly versions: Readonly<Record<'kubernetes' | 'temporal' | 'node' | 'holdfast', string>>;
  readonly cores: number;
  /** Load average of the last minute when the measurement began: above the number of cores, only ratios mean something. */
  readonly load: number;
}

export async function settingOf(
  nodes: Setting['nodes'],
  { kubernetes, temporal }: Pick<Config, 'kubernetes' | 'temporal'> = readConfig(),
): Promise<Setting> {
  const connection = await Connection.connect(temporal.connectionOptions);
  const { serverVersion } = await connection.workflowService.getSystemInfo({});
  await connection.close();
  const { gitVersion } = await loadKubeConfig(kubernetes).makeApiClient(VersionApi).getCode();
  return {
    nodes,
    versions: {
      kubernetes: gitVersion,
      temporal: serverVersion ?? '',
      node: process.version,
      holdfast: holdfastVersion(),
    },
    cores: cpus().length,
    load: Math.round((loadavg()[0] ?? 0) * 10) / 10,
  };
}
