import { join } from 'node:path';
import type { CoreV1Api, V1Node } from '@kubernetes/client-node';
import { nodeBinary } from '../system/paths.ts';
import type { Command } from './control-plane.ts';
import type { Credentials } from './credentials.ts';

/** On every simulated node as a label; and as a taint where real nodes are beside it, so that nothing lands there unasked. */
export const simulatedLabel = 'holdfast.dev/simulated';

/** The controller that plays the kubelet of simulated nodes, and of no others. */
export function kwokCommand(kwok: string, kubeconfig: string): Command {
  const flags = {
    kubeconfig,
    config: join(import.meta.dirname, 'kwok-stages.yaml'),
    'manage-all-nodes': false,
    'manage-nodes-with-label-selector': `${simulatedLabel}=true`,
    'node-ip': '127.0.0.1',
    'node-lease-duration-seconds': 40,
    'enable-crds': '',
    'server-address': '',
  };
  return { name: 'kwok', command: [kwok, ...Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`)] };
}

export function simulatedKubeletCommand({ kubeconfig, kubeletServer, caFile }: Credentials, port: number): Command {
  const script = join(import.meta.dirname, 'simulated-kubelet.ts');
  const { certificate, key } = kubeletServer;
  const command = [nodeBinary, script, kubeconfig.admin, String(port), certificate, key, caFile];
  return { name: 'simulated-kubelet', command };
}

/** `logPort` is where their logs are to be had, if anywhere. */
export async function addSimulatedNodes(
  core: CoreV1Api,
  count: number,
  { besideRealOnes, logPort }: { readonly besideRealOnes: boolean; readonly logPort: number | undefined },
): Promise<void> {
  const names = Array.from({ length: count }, (_, index) => `simulated-${String(index).padStart(3, '0')}`);
  await Promise.all(names.map((name) => core.createNode({ body: simulatedNode(name, besideRealOnes, logPort) })));
}

function simulatedNode(name: string, isTainted: boolean, logPort: number | undefined): V1Node {
  const resources = { cpu: '32', memory: '256Gi', 'ephemeral-storage': '1Ti', pods: '500' };
  return {
    metadata: {
      name,
      labels: {
        [simulatedLabel]: 'true',
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': process.arch === 'arm64' ? 'arm64' : 'amd64',
      },
      annotations: {
        'kwok.x-k8s.io/node': 'fake',
        ...(logPort !== undefined && { 'holdfast.dev/simulated-log-port': String(logPort) }),
      },
    },
    spec: isTainted ? { taints: [{ key: simulatedLabel, value: 'true', effect: 'NoSchedule' }] } : {},
    status: { allocatable: resources, capacity: resources },
  };
}
