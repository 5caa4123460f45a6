import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createAuthority, issue } from './certificates.ts';
import { localContext } from '../options.ts';
import type { Certificate, Subject } from './certificates.ts';

export const nodeName = 'localhost';

/** The files by which the parts of the cluster know each other. */
export interface Credentials {
  readonly folder: string;
  readonly caFile: string;
  readonly serviceAccountKey: string;
  readonly server: CertificateFiles;
  readonly kubeletServer: CertificateFiles;
  readonly kubeletClient: CertificateFiles;
  readonly kubeconfig: Record<'admin' | 'controllerManager' | 'scheduler' | 'kubelet', string>;
}

export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
}

export function writeCredentials(folder: string, apiServer: string): Credentials {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const authority = createAuthority('holdfast-local');
  const file = (name: string, content: string): string => {
    const path = join(folder, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  };
  const files = (name: string, subject: Subject): CertificateFiles => {
    const { certificate, key } = issue(authority, subject);
    return { certificate: file(`${name}.crt`, certificate), key: file(`${name}.key`, key) };
  };
  const kubeconfig = (name: string, subject: Subject): string =>
    file(`${name}.kubeconfig`, kubeconfigOf(apiServer, authority.certificate, issue(authority, subject)));
  return {
    folder,
    caFile: file('ca.crt', authority.certificate),
    serviceAccountKey: file('service-account.key', serviceAccountKey()),
    server: files('apiserver', { commonName: 'kube-apiserver', hosts: apiServerHosts }),
    kubeletServer: files('kubelet', { commonName: nodeName, hosts: [nodeName, '127.0.0.1'] }),
    kubeletClient: files('apiserver-kubelet-client', { commonName: 'kube-apiserver-kubelet-client' }),
    kubeconfig: {
      admin: kubeconfig('admin', { commonName: 'holdfast-admin', organization: 'system:masters' }),
      controllerManager: kubeconfig('controller-manager', { commonName: 'system:kube-controller-manager' }),
      scheduler: kubeconfig('scheduler', { commonName: 'system:kube-scheduler' }),
      kubelet: kubeconfig('kubelet', { commonName: `system:node:${nodeName}`, organization: 'system:nodes' }),
    },
  };
}

const apiServerHosts = [
  'localhost',
  '127.0.0.1',
  '10.96.0.1',
  'kubernetes',
  'kubernetes.default',
  'kubernetes.default.svc',
];

function serviceAccountKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'sec1', format: 'pem' }).toString();
}

/** JSON is YAML too, so a kubeconfig needs no YAML writer. */
function kubeconfigOf(server: string, ca: string, client: Certificate): string {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  return JSON.stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': localContext,
      clusters: [{ name: localContext, cluster: { server, 'certificate-authority-data': base64(ca) } }],
      users: [
        {
          name: localContext,
          user: { 'client-certificate-data': base64(client.certificate), 'client-key-data': base64(client.key) },
        },
      ],
      contexts: [{ name: localContext, context: { cluster: localContext, user: localContext, namespace: 'holdfast' } }],
    },
    undefined,
    2,
  );
}
