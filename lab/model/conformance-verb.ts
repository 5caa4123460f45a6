/** `npm run lab -- conformance`: the model's answers against a real API server's. */
import { KubeConfig } from '@kubernetes/client-node';
import { randomTrace, replay } from './conformance.ts';
import { RealCluster } from './conformance-driver.ts';

export const usage = `npm run lab -- conformance [--kubeconfig FILE] [--traces N] [--seed S]

  Replays N (default 20) random traces of the model on a real API server, in a namespace made for it, and compares.
  The kubeconfig is named on purpose, by --kubeconfig or KUBECONFIG; \`npm run up -- --no-worker\` prints a local one.`;

export async function run(args: readonly string[]): Promise<void> {
  if (args.includes('--help')) return console.log(usage);
  const value = (flag: string) => (args.includes(flag) ? args[args.indexOf(flag) + 1] : undefined);
  const file = value('--kubeconfig') ?? process.env['KUBECONFIG'];
  if (file === undefined) throw new Error(`No kubeconfig was named, so nothing was touched.\n\n${usage}`);
  const seed = Number(value('--seed') ?? 1);
  const traces = Number(value('--traces') ?? 20);
  const config = new KubeConfig();
  config.loadFromFile(file);
  const cluster = new RealCluster(config, `lab-conformance-${process.pid}`);
  await cluster.open();
  try {
    await compare(cluster, seed, traces);
  } finally {
    await cluster.close();
  }
}

async function compare(cluster: RealCluster, first: number, traces: number): Promise<void> {
  const started = Date.now();
  let requests = 0;
  for (let seed = first; seed < first + traces; seed += 1) {
    const trace = randomTrace(seed);
    const difference = await replay(trace, cluster);
    requests += trace.length;
    if (difference !== undefined) {
      console.log(`Model and API server differ in trace ${seed}, step ${difference.step}:`);
      console.log(JSON.stringify(difference, undefined, 2));
      console.log(`Again: npm run lab -- conformance --traces 1 --seed ${seed}`);
      process.exitCode = 1;
      return;
    }
    await cluster.clear();
    while (!isEmpty(await cluster.look())) await new Promise((resolve) => setTimeout(resolve, 25));
  }
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  console.log(
    `${traces} traces, ${requests} requests in ${seconds} s: every answer and every consequence is the model's.`,
  );
}

const isEmpty = (seen: { readonly anchors: readonly unknown[]; readonly jobs: readonly unknown[] }) =>
  seen.anchors.length === 0 && seen.jobs.length === 0;
