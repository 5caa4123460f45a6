/** A Temporal and a Kubernetes of a test's own, beside those that are up: their processes may be killed and started again. */
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { makePlan } from '../../dev/plan.ts';
import { terminalReporter } from '../../dev/report.ts';
import { bringUp, type Environment } from '../../dev/supervisor.ts';
import { waitForLock } from '../../dev/system/lock.ts';
import { pathsFrom } from '../../dev/system/paths.ts';
import { localState } from '../../lab/stage/local-state.ts';

/** Undefined where no node can run real containers, or the cluster that is up is not of our making. */
export async function ownEnvironment(): Promise<Environment | undefined> {
  const { containers, isOurs } = (await localState()).kubernetes;
  if (!isOurs || containers !== 'real') return undefined;
  // Always the same folder, so that what a run leaves that was itself killed is cleared by the next.
  const home = join(pathsFrom(process.env).state, 'own');
  const turn = await waitForLock(join(home, 'turn.lock'));
  const env = await environmentOf(home);
  const paths = pathsFrom(env);
  const reporter = terminalReporter();
  const plan = await makePlan(OPTIONS, paths, env, reporter);
  const environment = await bringUp(plan, paths, env, reporter, new Promise(() => undefined));
  return { ...environment, stop: () => environment.stop().finally(() => turn.release()) };
}

const OPTIONS = {
  context: undefined,
  simulated: false,
  simulatedNodes: 0,
  worker: false,
  once: false,
  tests: false,
  json: false,
} as const;

/** Nothing in it names the servers that are up. */
async function environmentOf(home: string): Promise<NodeJS.ProcessEnv> {
  const named = /^(TEMPORAL_|HOLDFAST_|KUBECONFIG$)/;
  const inherited = Object.entries(process.env).filter(([name]) => !named.test(name));
  const names = ['TEMPORAL', 'TEMPORAL_UI', 'KUBERNETES', 'KUBELET'];
  const ports = await freePorts(names.length);
  const own = names.map((name, index) => [`HOLDFAST_PORT_${name}`, String(ports[index])]);
  return { ...Object.fromEntries([...inherited, ...own]), XDG_STATE_HOME: home };
}

/** All bound at once, so that they differ. */
async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  await Promise.all(servers.map((server) => new Promise<void>((bound) => server.listen(0, '127.0.0.1', bound))));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return ports;
}
