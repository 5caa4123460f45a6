import { join } from 'node:path';
import type { CoreV1Api, V1Node } from '@kubernetes/client-node';
import type { Command } from './control-plane.ts';

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

export async function addSimulatedNodes(core: CoreV1Api, count: number, besideRealOnes: boolean): Promise<void> {
  const names = Array.from({ length: count }, (_, index) => `simulated-${String(index).padStart(3, '0')}`);
  await Promise.all(names.map((name) => core.createNode({ body: simulatedNode(name, besideRealOnes) })));
}

function simulatedNode(name: string, isTainted: boolean): V1Node {
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
      annotations: { 'kwok.x-k8s.io/node': 'fake' },
    },
    spec: isTainted ? { taints: [{ key: simulatedLabel, value: 'true', effect: 'NoSchedule' }] } : {},
    status: { allocatable: resources, capacity: resources },
  };
}
