import { describe, expect, it } from 'vitest';
import { type ApiRequest, apply, type Cluster, EMPTY } from '../../lab/model/cluster.ts';
import { type Driver, randomTrace, type RealNames, replay } from '../../lab/model/conformance.ts';

/** Gives the answers of the model under other names, as a real server would; `bend` may change what it is asked. */
function serverOf(bend: (request: ApiRequest) => ApiRequest = (request) => request): Driver {
  let cluster: Cluster = EMPTY;
  const numberOf = (name: string) => (name.startsWith('uid-') ? Number(name.slice(4)) : name === '' ? 0 : 999);
  const collect = () => {
    const anchors = cluster.anchors.filter(({ ending }) => !ending);
    const jobs = cluster.jobs.filter(
      (job) => job.ending === '' && (job.owner === 0 || anchors.some(({ uid }) => uid === job.owner)),
    );
    cluster = { ...cluster, anchors, jobs, ghosts: [] };
  };
  const own = (request: ApiRequest, real: RealNames): ApiRequest => ({
    ...request,
    ...('uid' in request && { uid: numberOf(real.uid) }),
    ...('owner' in request && { owner: numberOf(real.owner) }),
    ...('version' in request && { version: real.version === '' ? 0 : Number(real.version) }),
  });
  return {
    send: (request, real) => {
      const { cluster: next, answer } = apply(cluster, bend(own(request, real)));
      cluster = next;
      collect();
      return Promise.resolve({ code: answer.code, uid: `uid-${answer.uid}` });
    },
    look: () =>
      Promise.resolve({
        anchors: cluster.anchors.map(({ name, uid }) => ({ name, uid: `uid-${uid}` })),
        jobs: cluster.jobs.map(({ name, uid, version, suspended }) => ({
          name,
          uid: `uid-${uid}`,
          version: String(version),
          suspended,
        })),
      }),
  };
}

const SEEDS = Array.from({ length: 300 }, (_, seed) => seed);

describe('conformance traces', () => {
  it('are the same for the same seed', () => expect(randomTrace(7)).toEqual(randomTrace(7)));

  it('ask for every verb and get every kind of answer', () => {
    const kinds = new Set(
      SEEDS.flatMap((seed) => randomTrace(seed).map(({ request, expect: { code } }) => `${request.verb} ${code}`)),
    );
    for (const verb of ['start job', 'delete job', 'arm anchor', 'delete anchor'])
      for (const code of [200, 404, 409]) expect(kinds).toContain(`${verb} ${code}`);
    for (const verb of ['create job', 'create anchor'])
      for (const code of [201, 409]) expect(kinds).toContain(`${verb} ${code}`);
  });

  it('agree with a server that behaves like the model', async () => {
    for (const seed of SEEDS) expect(await replay(randomTrace(seed), serverOf())).toBeUndefined();
  });

  it.each([
    ['ignores uids', (request: ApiRequest) => ('uid' in request ? { ...request, uid: 0 } : request)],
    [
      'ignores resourceVersions',
      (request: ApiRequest) => ('version' in request ? { ...request, version: 0 } : request),
    ],
  ])('differ from a server that %s', async (_, bend) => {
    const differences = await Promise.all(
      SEEDS.slice(0, 60).map((seed) => replay(randomTrace(seed), serverOf(bend), 0)),
    );
    expect(differences.some((difference) => difference !== undefined)).toBe(true);
  });
});
