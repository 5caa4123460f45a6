/** A Temporal and a Kubernetes of one's own, beside those that are up: their processes may be killed and started again. */
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Options } from '../../dev/options.ts';
import { makePlan } from '../../dev/plan.ts';
import { terminalReporter } from '../../dev/report.ts';
import { bringUp, type Environment } from '../../dev/supervisor.ts';
import { waitForLock } from '../../dev/system/lock.ts';
import { pathsFrom } from '../../dev/system/paths.ts';

export interface OwnOptions extends Partial<Pick<Options, 'simulated' | 'simulatedNodes'>> {
  /** Of its folder: who uses the same takes turns. */
  readonly name: string;
  /** Ends the start; what was started by then is ended. Default: never. */
  readonly asked?: Promise<string>;
}

export async function ownEnvironment({ name, asked = never, ...nodes }: OwnOptions): Promise<Environment> {
  // Always the same folder, so that what a run leaves that was itself killed is cleared by the next.
  const home = join(pathsFrom(process.env).state, name);
  const turn = await waitForLock(join(home, 'turn.lock'));
  try {
    const env = await environmentOf(home);
    const paths = pathsFrom(env);
    const reporter = terminalReporter();
    const plan = await makePlan({ ...OPTIONS, ...nodes }, paths, env, reporter);
    const environment = await bringUp(plan, paths, env, reporter, asked);
    return { ...environment, stop: () => environment.stop().finally(() => turn.release()) };
  } catch (error) {
    turn.release();
    throw error;
  }
}

const never = new Promise<string>(() => undefined);

const OPTIONS: Options = {
  context: undefined,
  simulated: false,
  simulatedNodes: 0,
  worker: false,
  once: false,
  tests: false,
  json: false,
};

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
