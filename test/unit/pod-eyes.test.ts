/** What a kill's watch knows of each Pod: against a server of our own, which shows what it is told to. */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KubeConfig, type V1Pod } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../../lab/stage/until.ts';
import { PodEyes } from '../../src/kill/pod-eyes.ts';
import { podObject } from './cluster-objects.ts';

/** Lists nothing, at version 5, and keeps each watch open. */
class PodServer {
  readonly watches: { readonly from: string | null; readonly stream: ServerResponse }[] = [];
  refusal: number | undefined;
  readonly #server: Server = createServer(({ url = '' }, response) => {
    const { searchParams } = new URL(url, 'http://api');
    const watches = searchParams.get('watch') === 'true';
    const status = watches ? (this.refusal ?? 200) : 200;
    response.writeHead(status, { 'content-type': 'application/json' }).flushHeaders();
    if (!watches)
      return response.end(JSON.stringify({ kind: 'PodList', metadata: { resourceVersion: '5' }, items: [] }));
    if (status !== 200) return response.end();
    return void this.watches.push({ from: searchParams.get('resourceVersion'), stream: response });
  });

  async listen(): Promise<KubeConfig> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const { port } = this.#server.address() as AddressInfo;
    const kube = new KubeConfig();
    const server = `http://127.0.0.1:${port}`;
    kube.loadFromClusterAndUser({ name: 'c', server, skipTLSVerify: true }, { name: 'u' });
    return kube;
  }

  show(type: string, pod: V1Pod): void {
    this.watches.at(-1)?.stream.write(`${JSON.stringify({ type, object: pod })}\n`);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

let server: PodServer;
let kube: KubeConfig;
let eyes: PodEyes | undefined;

beforeEach(async () => {
  server = new PodServer();
  kube = await server.listen();
});
afterEach(async () => {
  eyes?.close();
  await server.close();
});

const pod = (phase: string, resourceVersion: string) => podObject({ phase }, { resourceVersion });
const seen = () => eyes?.all().map((one) => ({ phase: one.pod.status?.phase, gone: one.gone }));
const untilSeen = (phase: string) => until(`it is ${phase}`, () => seen()?.[0]?.phase === phase);

describe('the eyes of a kill', () => {
  it('show the last state of what is gone', async () => {
    eyes = await PodEyes.open(kube, 'ns', 'task');
    eyes.note([pod('Pending', '6')]);
    expect(seen()).toEqual([{ phase: 'Pending', gone: false }]);
    server.show('ADDED', pod('Running', '7'));
    await untilSeen('Running');
    server.show('DELETED', pod('Failed', '8'));
    await untilSeen('Failed');
    expect(seen()).toEqual([{ phase: 'Failed', gone: true }]);
  });

  it('go on from where a watch ended, so that nothing vanishes unseen between two', async () => {
    eyes = await PodEyes.open(kube, 'ns', 'task');
    server.show('ADDED', pod('Running', '7'));
    await untilSeen('Running');
    server.watches[0]?.stream.end();
    await until('it is watched anew', () => server.watches.length === 2);
    expect(server.watches.map(({ from }) => from)).toEqual(['5', '7']);
    server.show('DELETED', pod('Failed', '8'));
    await untilSeen('Failed');
    expect(seen()).toEqual([{ phase: 'Failed', gone: true }]);
  });

  it('do not open where nobody may watch', async () => {
    server.refusal = 403;
    await expect(PodEyes.open(kube, 'ns', 'task')).rejects.toMatchObject({ kind: 'forbidden' });
  });
});
