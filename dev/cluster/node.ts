import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { run, tied } from '../system/processes.ts';
import type { ProcessIdentity } from '../system/processes.ts';
import { cgroupNameOf, createCgroups } from './cgroups.ts';
import type { Command } from './control-plane.ts';
import { nodeName } from './credentials.ts';
import { writeNodeFiles } from './node-config.ts';
import type { NodeFiles, NodeSettings } from './node-config.ts';

/** Given by the supervisor. */
export interface NodeParts {
  /** Starts one supervised process. */
  start(part: Command): ProcessIdentity;
  /** Makes a process known that a part started. */
  adopt(name: string, pid: number): void;
}

/**
 * A node of real containers. It lives in a PID and mount namespace of its own: when the first process there dies, the
 * kernel kills every container and unmounts every mount, and that process is tied to the supervisor. So even SIGKILL
 * of the supervisor leaves no container behind.
 */
export async function startNode(settings: NodeSettings, parts: NodeParts): Promise<NodeFiles> {
  createCgroups(cgroupNameOf(settings.mark));
  const files = writeNodeFiles(settings);
  const enter = await enterNamespaces(settings, files, parts);
  const { bin, kubernetes } = settings.tools;
  parts.start({
    name: 'containerd',
    command: [
      ...enter,
      'env',
      `PATH=${bin}:${process.env['PATH']}`,
      join(bin, 'containerd'),
      '--config',
      files.containerdConfig,
    ],
  });
  await untilListening(files.socket);
  parts.start({
    name: 'kubelet',
    command: [
      ...enter,
      kubernetes,
      'kubelet',
      `--config=${files.kubeletConfig}`,
      `--kubeconfig=${settings.credentials.kubeconfig.kubelet}`,
      `--root-dir=${files.kubeletRoot}`,
      `--cert-dir=${join(files.kubeletRoot, 'pki')}`,
      `--hostname-override=${nodeName}`,
    ],
  });
  return files;
}

/** Adopts the first process inside as a part of its own, and returns the command prefix that runs something inside. */
async function enterNamespaces(
  { folder }: NodeSettings,
  { hidden }: NodeFiles,
  parts: NodeParts,
): Promise<readonly string[]> {
  const ready = join(folder, 'namespaces-ready');
  const script = [
    'set -e',
    'mount -t tmpfs -o mode=755 tmpfs /run',
    ...hidden.map(({ from, over }) => `mount --bind '${from}' ${over}`),
    `: > '${ready}'`,
    'set +e',
    // The first process of a PID namespace inherits its orphans; a waiting shell reaps them.
    'while :; do sleep 86400 & wait; done',
  ].join('\n');
  const path = join(folder, 'namespaces.sh');
  writeFileSync(path, script);
  const unshare = 'unshare --pid --mount --propagation private --fork --kill-child=KILL --mount-proc sh'.split(' ');
  const { pid } = parts.start({ name: 'node-namespaces', command: [...unshare, path] });
  await untilReadable(ready);
  const first = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0];
  parts.adopt('node-init', Number(first));
  return ['nsenter', '--target', String(first), '--pid', '--mount', '--'];
}

async function untilReadable(path: string): Promise<void> {
  for (const end = Date.now() + 10_000; ; await delay(10)) {
    try {
      readFileSync(path);
      return;
    } catch (error) {
      if (Date.now() > end) throw error;
    }
  }
}

async function untilListening(socket: string): Promise<void> {
  const end = Date.now() + 20_000;
  while (!(await accepts(socket))) {
    if (Date.now() > end) throw new Error(`containerd does not listen on ${socket}`);
    await delay(20);
  }
}

function accepts(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => done(true)).on('error', () => done(false));
    function done(answer: boolean): void {
      socket.destroy();
      resolve(answer);
    }
  });
}

export async function importImage(bin: string, { socket, snapshotter }: NodeFiles, archive: string): Promise<void> {
  const ctr = [
    join(bin, 'ctr'),
    '--address',
    socket,
    '--namespace',
    'k8s.io',
    'images',
    'import',
    '--snapshotter',
    snapshotter,
  ];
  const [program = '', ...args] = tied([...ctr, archive]);
  await run(program, args);
}
