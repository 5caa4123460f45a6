import { chmodSync, mkdirSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupNameOf } from './cgroups.ts';
import type { Credentials } from './credentials.ts';
import { bridgeNameOf } from './network.ts';

export interface NodeTools {
  readonly kubernetes: string;
  /** Holds containerd, its shim, ctr and the network plugins. */
  readonly bin: string;
  readonly runc: string;
}

export interface NodeSettings {
  readonly tools: NodeTools;
  readonly folder: string;
  /** Tells what belongs to this environment from another on the same machine. */
  readonly mark: string;
  readonly kubeletPort: number;
  readonly credentials: Credentials;
}

export interface NodeFiles {
  readonly snapshotter: string;
  readonly socket: string;
  readonly containerdConfig: string;
  readonly kubeletConfig: string;
  readonly kubeletRoot: string;
  /** Folders of the host that the node must not write to: it gets its own in their place. */
  readonly hidden: readonly { readonly from: string; readonly over: string }[];
}

export const pauseImage = 'holdfast.local/pause:1';

export function writeNodeFiles(settings: NodeSettings): NodeFiles {
  const { folder } = settings;
  const inFolder = (...names: string[]) => join(folder, ...names);
  const write = (name: string, content: string) => {
    writeFileSync(inFolder(name), content);
    return inFolder(name);
  };
  const folders = [
    'containerd',
    'run',
    'kubelet',
    'pods',
    'cni',
    'registries/_default',
    'registries/holdfast.local',
    'var-lib',
    'var-log',
  ];
  for (const name of folders) mkdirSync(inFolder(name), { recursive: true });
  chmodSync(folder, 0o711);
  write('cni/10-holdfast.conflist', networkConfig(inFolder('run', 'addresses'), bridgeNameOf(settings.mark)));
  write('resolv.conf', '');
  // No registry stands behind our own image names: none that may be asked, so a name that is not here is "not found".
  write('registries/holdfast.local/hosts.toml', 'server = "http://127.0.0.1:1"\ncapabilities = ["push"]\n');
  const socket = inFolder('run', 'containerd.sock');
  const needed = [folder, settings.tools.bin, settings.tools.kubernetes];
  // An overlay cannot lie on an overlay, which is what the disk is inside most containers.
  const snapshotter = statfsSync(folder).type === overlayfsMagic ? 'native' : 'overlayfs';
  return {
    socket,
    snapshotter,
    containerdConfig: write('containerd.toml', containerdConfig(settings, socket, snapshotter)),
    kubeletConfig: write('kubelet.json', JSON.stringify(kubeletConfig(settings, socket), undefined, 2)),
    kubeletRoot: inFolder('kubelet'),
    hidden: [
      { from: inFolder('var-lib'), over: '/var/lib' },
      { from: inFolder('var-log'), over: '/var/log' },
    ].filter(({ over }) => needed.every((path) => !path.startsWith(`${over}/`))),
  };
}

/** Pods get addresses from a bridge that has none itself: they have a network, and nowhere to go on it. */
function networkConfig(dataDir: string, bridgeName: string): string {
  const bridge = {
    type: 'bridge',
    bridge: bridgeName,
    isGateway: false,
    ipMasq: false,
    ipam: { type: 'host-local', dataDir, ranges: [[{ subnet: '10.244.0.0/16' }]] },
  };
  return JSON.stringify({ cniVersion: '1.0.0', name: 'holdfast', plugins: [bridge] });
}

const overlayfsMagic = 0x794c7630;

function containerdConfig({ tools, folder }: NodeSettings, socket: string, snapshotter: string): string {
  return `version = 3
root = '${join(folder, 'containerd')}'
state = '${join(folder, 'run', 'containerd')}'
disabled_plugins = ['io.containerd.nri.v1.nri', 'io.containerd.internal.v1.opt', 'io.containerd.tracing.processor.v1.otlp']

[grpc]
  address = '${socket}'

[plugins.'io.containerd.cri.v1.images']
  snapshotter = '${snapshotter}'
  max_concurrent_downloads = 10
  [plugins.'io.containerd.cri.v1.images'.pinned_images]
    sandbox = '${pauseImage}'
  [plugins.'io.containerd.cri.v1.images'.registry]
    config_path = '${join(folder, 'registries')}'

[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
  disable_apparmor = true
  netns_mounts_under_state_dir = true
  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
    runtime_type = 'io.containerd.runc.v2'
    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
      BinaryName = '${tools.runc}'
      SystemdCgroup = false
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = ['${tools.bin}']
    conf_dir = '${join(folder, 'cni')}'

[plugins.'io.containerd.transfer.v1.local']
  config_path = '${join(folder, 'registries')}'
`;
}

function kubeletConfig({ folder, kubeletPort, credentials, mark }: NodeSettings, socket: string): object {
  return {
    kind: 'KubeletConfiguration',
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    address: '127.0.0.1',
    port: kubeletPort,
    readOnlyPort: 0,
    healthzPort: 0,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: false },
      x509: { clientCAFile: credentials.caFile },
    },
    // Whoever holds a certificate of this cluster's authority is its owner: there is no second user here to keep out.
    authorization: { mode: 'AlwaysAllow' },
    tlsCertFile: credentials.kubeletServer.certificate,
    tlsPrivateKeyFile: credentials.kubeletServer.key,
    containerRuntimeEndpoint: `unix://${socket}`,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${cgroupNameOf(mark)}`,
    enforceNodeAllocatable: [],
    failCgroupV1: false,
    failSwapOn: false,
    serializeImagePulls: false,
    registryPullQPS: 0,
    eventRecordQPS: 0,
    kubeAPIQPS: 200,
    kubeAPIBurst: 400,
    maxPods: 250,
    podPidsLimit: 1024,
    podLogsDir: join(folder, 'pods'),
    clusterDNS: ['10.96.0.10'],
    clusterDomain: 'cluster.local',
    resolvConf: join(folder, 'resolv.conf'),
    volumePluginDir: join(folder, 'kubelet', 'volume-plugins'),
    nodeStatusUpdateFrequency: '5s',
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    // A disk that is nearly full for other reasons must not evict the pods of a development cluster.
    evictionHard: {
      'memory.available': '100Mi',
      'nodefs.available': '0%',
      'nodefs.inodesFree': '0%',
      'imagefs.available': '0%',
    },
  };
}
