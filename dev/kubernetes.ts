import type { Credentials } from './cluster/credentials.ts';
import { existingCluster } from './cluster/existing.ts';
import { api, ensureNamespace, kubeNamespace, startControlPlane, startRealNode, untilNodes } from './cluster/local.ts';
import { addSimulatedNodes, kwokCommand, simulatedKubeletCommand } from './cluster/kwok.ts';
import type { NodeParts } from './cluster/node.ts';
import { localContext } from './options.ts';
import type { KubernetesPlan, NodePlan, Plan } from './plan.ts';
import type { KubernetesState } from './state.ts';
import type { Paths } from './system/paths.ts';

export async function startKubernetes(plan: Plan, paths: Paths, parts: NodeParts): Promise<KubernetesState> {
  if (plan.kubernetes.kind === 'existing') return existingCluster(plan.kubernetes.context);
  return startLocal(plan.kubernetes, plan, paths, parts);
}

async function startLocal(
  local: KubernetesPlan & { kind: 'local' },
  plan: Plan,
  paths: Paths,
  parts: NodeParts,
): Promise<KubernetesState> {
  const { kubernetes, node } = local;
  const { credentials, healthy } = startControlPlane(
    { kubernetes, folder: paths.cluster, port: plan.ports.KUBERNETES },
    parts,
  );
  const kubeconfig = credentials.kubeconfig.admin;
  const realNode = node ? startNode(node, kubernetes, credentials, plan, paths, parts) : undefined;
  // Should one fail while we wait for the other, that is heard below.
  realNode?.catch(() => undefined);
  healthy.catch(() => undefined);
  const core = await api(kubeconfig);
  await healthy;
  if (local.kwok !== undefined) {
    // Beside a real node the port is that one's, and simulated nodes have no logs.
    const logPort = node === undefined ? plan.ports.KUBELET : undefined;
    parts.start(kwokCommand(local.kwok, kubeconfig));
    if (logPort !== undefined) parts.start(simulatedKubeletCommand(credentials, logPort));
    await addSimulatedNodes(core, local.simulatedNodes, { besideRealOnes: node !== undefined, logPort });
  }
  const nodes = untilNodes(core, local.simulatedNodes + (node ? 1 : 0));
  await Promise.all([realNode, ensureNamespace(core), nodes]);
  return {
    kubeconfig,
    context: localContext,
    server: `https://127.0.0.1:${plan.ports.KUBERNETES}`,
    namespace: kubeNamespace,
    containers: node ? 'real' : 'simulated',
    isOurs: true,
    kubectl: [kubernetes, 'kubectl', '--kubeconfig', kubeconfig],
  };
}

function startNode(
  { bin, runc, images }: NodePlan,
  kubernetes: string,
  credentials: Credentials,
  plan: Plan,
  paths: Paths,
  parts: NodeParts,
): Promise<void> {
  const tools = { kubernetes, bin, runc };
  const settings = { tools, folder: paths.node, mark: paths.mark, kubeletPort: plan.ports.KUBELET, credentials };
  return startRealNode(settings, images, parts);
}
