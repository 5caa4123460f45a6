import { join } from 'node:path';
import { goTools, ensureGoTool } from './toolchain/go.ts';
import { ensureImages, publicImages } from './images/index.ts';
import type { ImageNames } from './images/index.ts';
import type { Options } from './options.ts';
import type { Reporter } from './report.ts';
import { apt, ensureRunc, hasDebianTools } from './toolchain/debian.ts';
import { findProgram, isRoot, onLinux } from './system/processes.ts';
import type { Paths } from './system/paths.ts';
import { portsFrom } from './system/ports.ts';
import type { Ports } from './system/ports.ts';
import { planTemporal } from './temporal.ts';
import type { TemporalPlan } from './temporal.ts';

/** What is going to run, decided and built before anything starts. */
export interface Plan {
  readonly temporal: TemporalPlan;
  readonly kubernetes: KubernetesPlan;
  readonly images: ImageNames;
  readonly ports: Ports;
  readonly worker: boolean;
}

export type KubernetesPlan =
  | { readonly kind: 'existing'; readonly context: string }
  | {
      readonly kind: 'local';
      readonly kubernetes: string;
      readonly node: NodePlan | undefined;
      readonly kwok: string | undefined;
      readonly simulatedNodes: number;
    };

export interface NodePlan {
  readonly bin: string;
  readonly runc: string;
  readonly images: string;
}

export async function makePlan(
  options: Options,
  paths: Paths,
  env: NodeJS.ProcessEnv,
  reporter: Reporter,
): Promise<Plan> {
  const ports = portsFrom(env);
  if (options.context !== undefined)
    return {
      ports,
      worker: options.worker,
      images: publicImages,
      kubernetes: { kind: 'existing', context: options.context },
      temporal: await planTemporal(paths, ports, env, reporter),
    };
  const simulated = whySimulated(options);
  if (simulated !== undefined)
    reporter.say(`Containers are simulated: ${simulated}. Pods run and end on paper; nothing is executed in them.`);
  const debian = apt(paths.cache, reporter);
  const real =
    simulated === undefined
      ? Promise.all([ensureRunc(paths.cache, debian, reporter), ensureImages(paths.cache, debian, reporter)])
      : undefined;
  // A failure here must not go unheard while the compilers below still run.
  real?.catch(() => undefined);
  // One after another: on few cores two compilers at once take as long, and the longest comes first.
  const kubernetes = await ensureGoTool(paths.cache, goTools.kubernetes, reporter);
  const bin = simulated === undefined ? await ensureGoTool(paths.cache, goTools.node, reporter) : undefined;
  const needsKwok = simulated !== undefined || options.simulatedNodes > 0;
  const kwok = needsKwok ? join(await ensureGoTool(paths.cache, goTools.kwok, reporter), 'kwok') : undefined;
  const temporal = await planTemporal(paths, ports, env, reporter);
  const [runc, images] = (await real) ?? [undefined, undefined];
  return {
    ports,
    temporal,
    worker: options.worker,
    images: images?.names ?? publicImages,
    kubernetes: {
      kind: 'local',
      kubernetes: join(kubernetes, 'kubernetes'),
      node:
        bin === undefined || runc === undefined || images === undefined
          ? undefined
          : { bin, runc, images: images.archive },
      kwok,
      simulatedNodes: simulated === undefined ? options.simulatedNodes : Math.max(1, options.simulatedNodes),
    },
  };
}

function whySimulated(options: Options): string | undefined {
  if (options.simulated) return '--simulated was given';
  if (!onLinux) return `this is ${process.platform}, and containers need Linux`;
  if (!isRoot) return 'starting containers takes root, and this user is not';
  const missing = ['setpriv', 'unshare', 'nsenter', 'mount', 'ip', 'tar'].find(
    (program) => findProgram(program) === undefined,
  );
  if (missing !== undefined) return `the program ${missing} is missing (Debian packages util-linux, iproute2, tar)`;
  if (!hasDebianTools()) return 'runc and the images are made from Debian packages, and apt-get and dpkg are not here';
  return undefined;
}
