import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Credentials } from './credentials.ts';

export interface Command {
  readonly name: string;
  readonly command: readonly string[];
  readonly cwd?: string;
}

export interface ControlPlane {
  /** The one binary that holds every part of Kubernetes. */
  readonly kubernetes: string;
  readonly folder: string;
  readonly port: number;
  readonly credentials: Credentials;
}

/**
 * The four processes of a control plane. Only the API server listens on a port: etcd has no authentication of its
 * own here, so it listens on a socket in a folder that only its user can enter.
 */
export function controlPlaneCommands({ kubernetes, folder, port, credentials }: ControlPlane): ControlPlaneCommands {
  const etcdFolder = join(folder, 'etcd');
  mkdirSync(etcdFolder, { recursive: true, mode: 0o700 });
  // etcd wants host:port even of a socket, and takes it as a name in its working directory: the API server shares that.
  const part = (name: string, flags: Flags): Command => ({
    name,
    command: [kubernetes, name, ...Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`)],
    cwd: etcdFolder,
  });
  return {
    first: [
      part('etcd', etcdFlags(join(etcdFolder, 'data'))),
      part('kube-apiserver', apiServerFlags(port, credentials)),
    ],
    // They give up on an API server that is not healthy within ten seconds, which a busy machine may need.
    whenHealthy: [
      part('kube-controller-manager', controllerManagerFlags(credentials)),
      part('kube-scheduler', schedulerFlags(credentials)),
    ],
  };
}

export interface ControlPlaneCommands {
  readonly first: readonly Command[];
  readonly whenHealthy: readonly Command[];
}

type Flags = Readonly<Record<string, string | number | boolean>>;

const etcdFlags = (data: string): Flags => ({
  'data-dir': data,
  'listen-client-urls': 'unix://client:1',
  'advertise-client-urls': 'unix://client:1',
  'listen-peer-urls': 'unix://peer:1',
  'initial-advertise-peer-urls': 'unix://peer:1',
  'initial-cluster': 'default=unix://peer:1',
  // The data is thrown away at every start, so it need not survive a power cut.
  'unsafe-no-fsync': true,
  'quota-backend-bytes': 2 * 1024 ** 3,
  'log-level': 'warn',
});

const apiServerFlags = (port: number, credentials: Credentials): Flags => ({
  'etcd-servers': 'unix://client:1',
  'bind-address': '127.0.0.1',
  'advertise-address': '127.0.0.1',
  'secure-port': port,
  'client-ca-file': credentials.caFile,
  'tls-cert-file': credentials.server.certificate,
  'tls-private-key-file': credentials.server.key,
  'kubelet-client-certificate': credentials.kubeletClient.certificate,
  'kubelet-client-key': credentials.kubeletClient.key,
  'kubelet-certificate-authority': credentials.caFile,
  'kubelet-preferred-address-types': 'Hostname,InternalIP',
  'service-account-issuer': 'https://kubernetes.default.svc',
  'service-account-key-file': credentials.serviceAccountKey,
  'service-account-signing-key-file': credentials.serviceAccountKey,
  'service-cluster-ip-range': '10.96.0.0/16',
  'endpoint-reconciler-type': 'none',
  'authorization-mode': 'Node,RBAC',
  'enable-admission-plugins': 'NodeRestriction',
  profiling: false,
});

const controllerManagerFlags = (credentials: Credentials): Flags => ({
  kubeconfig: credentials.kubeconfig.controllerManager,
  'secure-port': 0,
  'leader-elect': false,
  'use-service-account-credentials': true,
  'service-account-private-key-file': credentials.serviceAccountKey,
  'root-ca-file': credentials.caFile,
  'kube-api-qps': 200,
  'kube-api-burst': 400,
  'concurrent-job-syncs': 20,
  'node-monitor-period': '2s',
  profiling: false,
});

const schedulerFlags = (credentials: Credentials): Flags => ({
  kubeconfig: credentials.kubeconfig.scheduler,
  'secure-port': 0,
  'leader-elect': false,
  'kube-api-qps': 200,
  'kube-api-burst': 400,
  profiling: false,
});
