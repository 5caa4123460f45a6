/** What a kill does where Kubernetes lets it look, but not delete: against an API server that answers as it is told. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KubeConfig } from '@kubernetes/client-node';
import { type Client, ServiceError } from '@temporalio/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { failureOf } from '../../src/cli/failure.ts';
import { WORKFLOW_TYPE } from '../../src/contract.ts';
import { JobsApi } from '../../src/kubernetes/jobs-api.ts';
import { kill } from '../../src/kill/kill.ts';
import { anchorObject, jobObject, NAMESPACE_ID, RUN } from './cluster-objects.ts';

const { taskId } = RUN;
/** What may be deleted; undefined: whoever asks that is refused. */
let rights: readonly string[] | undefined;
let isTerminated: boolean;
/** Whether Temporal goes away once it has terminated the task. */
let goesAway: boolean;
let server: Server;

beforeEach(async () => {
  [isTerminated, goesAway] = [false, false];
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => answer(request, Buffer.concat(chunks).toString(), response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function answer({ method, url = '' }: IncomingMessage, body: string, response: ServerResponse): void {
  const { pathname, searchParams } = new URL(url, 'http://api');
  const kind = pathname.split('/').at(-1) ?? '';
  const forbidden = { kind: 'Status', message: `${kind} is forbidden` };
  if (method === 'DELETE') return json(response, 403, forbidden);
  if (kind === 'selfsubjectaccessreviews') {
    const { resource } = JSON.parse(body).spec.resourceAttributes as { readonly resource: string };
    return rights === undefined
      ? json(response, 403, forbidden)
      : json(response, 201, { status: { allowed: rights.includes(resource) } });
  }
  if (searchParams.has('watch')) return response.writeHead(200).flushHeaders();
  const items = { configmaps: [anchorObject()], jobs: [jobObject({}, { suspend: false })] }[kind] ?? [];
  json(response, 200, { metadata: { resourceVersion: '1' }, items });
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'retry-after': '0' }).end(JSON.stringify(body));
}

const temporal = {
  options: { namespace: 'n', identity: 'i' },
  workflow: {
    getHandle: () => ({
      describe: async () => {
        if (isTerminated && goesAway) throw new ServiceError('nobody listens');
        return {
          workflowId: taskId,
          runId: RUN.runId,
          type: WORKFLOW_TYPE,
          status: { name: isTerminated ? 'TERMINATED' : 'RUNNING' },
          startTime: new Date(0),
          memo: {},
          raw: { workflowExecutionInfo: { firstRunId: RUN.runId } },
        };
      },
    }),
  },
  workflowService: { terminateWorkflowExecution: async () => (isTerminated = true) },
} as unknown as Client;

function killed(): Promise<unknown> {
  const kube = new KubeConfig();
  const { port } = server.address() as AddressInfo;
  const cluster = { name: 'c', server: `http://127.0.0.1:${port}`, skipTLSVerify: true };
  kube.loadFromClusterAndUser(cluster, { name: 'u', token: 'the-token' });
  const api = new JobsApi(kube, { namespace: 'ns' });
  return kill({ temporal, temporalNamespaceId: NAMESPACE_ID, kube, api }, taskId).then(
    () => 'killed',
    (error: unknown) => error,
  );
}

describe('a kill by an account that may not delete', () => {
  it('ends nothing, and names what it may not', async () => {
    rights = ['configmaps'];
    expect(await failureOf(await killed())).toMatchObject({
      code: 'KUBERNETES_FORBIDDEN',
      message: 'This account may not delete jobs, pods in namespace ns. Nothing was ended.',
      exit: 2,
    });
    expect(isTerminated).toBe(false);
  });

  it.each([
    ['is refused only when it deletes', ['jobs', 'configmaps', 'pods']],
    ['may not even ask what it may', undefined],
  ])('says that the task is ended if it %s', async (_, may) => {
    rights = may;
    expect(await failureOf(await killed())).toMatchObject({
      code: 'KILL_UNFINISHED',
      message: expect.stringContaining('The task is ended in Temporal'),
      exit: 8,
    });
    expect(isTerminated).toBe(true);
  });
});

it('a kill says that the task is ended, too, if Temporal goes away right after that', async () => {
  [rights, goesAway] = [['jobs', 'configmaps', 'pods'], true];
  expect(await failureOf(await killed())).toMatchObject({
    code: 'KILL_UNFINISHED',
    message: expect.stringContaining('Temporal did not answer any more'),
    exit: 8,
  });
});
