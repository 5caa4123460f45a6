import { spawn } from 'node:child_process';
import { readFileSync, readdirSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { obstacle, waysWithoutLocalCluster, waysWithoutLocalTemporal } from '../obstacle.ts';
import type { Reporter } from '../report.ts';
import { findProgram, tied } from '../system/processes.ts';
import { ensure, isBuilt } from './cache.ts';

/** A Go module under dev/toolchain, whose go.mod and go.sum pin every line of what is built. */
export interface GoTool {
  readonly module: 'kubernetes' | 'node' | 'temporal' | 'kwok';
  readonly title: string;
  readonly why: string;
  /** Empty: the module's own main package. Else the packages of its `tool` block. */
  readonly linkFlags?: readonly string[];
  /** Sources, Go's own build cache and the result together. Gigabytes, measured. */
  readonly diskNeed: number;
}

const version = 'k8s.io/component-base/version';

export const goTools: Record<GoTool['module'], GoTool> = {
  kubernetes: {
    module: 'kubernetes',
    diskNeed: 4,
    title: 'Building Kubernetes 1.36.3',
    why: 'one binary with etcd, API server, controllers, scheduler, kubelet and kubectl, about 5 minutes, once',
    linkFlags: [
      `-X ${version}.gitVersion=v1.36.3`,
      `-X ${version}.gitMajor=1`,
      `-X ${version}.gitMinor=36`,
      `-X ${version}.gitTreeState=clean`,
    ],
  },
  node: {
    module: 'node',
    diskNeed: 2,
    title: 'Building containerd 2.4.2 and the network plugins',
    why: 'they run the containers, about a minute, once',
  },
  temporal: {
    module: 'temporal',
    diskNeed: 3,
    title: 'Building the Temporal dev server',
    why: 'it runs the workflows and has the web UI, about 2 minutes, once',
  },
  kwok: {
    module: 'kwok',
    diskNeed: 2,
    title: 'Building kwok',
    why: 'it simulates nodes and containers, about 2 minutes, once',
  },
};

const gigabyte = 1024 ** 3;

/** Not keyed by the version of Go: a patch of the compiler is no reason to compile for nine minutes again. */
function entryOf(tool: GoTool) {
  const source = join(import.meta.dirname, tool.module);
  const files = readdirSync(source)
    .toSorted()
    .map((name) => `${name}\n${readFileSync(join(source, name), 'utf8')}`);
  const flags = ['-trimpath', '-buildvcs=false', `-ldflags=${['-s', '-w', ...(tool.linkFlags ?? [])].join(' ')}`];
  return { source, flags, name: tool.module, key: [...files, ...flags, process.arch, process.platform] };
}

export const isGoToolBuilt = (cache: string, tool: GoTool): Promise<boolean> => isBuilt(cache, entryOf(tool));

export async function ensureGoTool(cache: string, tool: GoTool, reporter: Reporter): Promise<string> {
  const { source, flags, name, key } = entryOf(tool);
  const entry = { name, key, build: (folder: string) => build(tool, source, flags, folder, reporter) };
  return ensure(cache, entry, waitingNotice(tool, reporter));
}

function waitingNotice(tool: GoTool, reporter: Reporter): () => void {
  let said = false;
  return () => {
    if (!said) reporter.say(`Another start is already ${tool.title.toLowerCase()}; waiting for it.`);
    said = true;
  };
}

async function build(
  tool: GoTool,
  source: string,
  flags: readonly string[],
  folder: string,
  reporter: Reporter,
): Promise<void> {
  const purpose = tool.title.replace('Building', 'building');
  const waysOut = tool.module === 'temporal' ? waysWithoutLocalTemporal : waysWithoutLocalCluster;
  if (findProgram('go') === undefined)
    throw obstacle('go is not on the PATH', purpose, 'install Go 1.26 or newer (https://go.dev/dl)', ...waysOut);
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize < tool.diskNeed * gigabyte)
    throw obstacle(
      `${folder} has ${((bavail * bsize) / gigabyte).toFixed(1)} GB left and the build needs ${tool.diskNeed}`,
      purpose,
      'free some space',
      'set XDG_CACHE_HOME to a larger disk',
      ...waysOut,
    );
  const step = reporter.step(tool.title, tool.why);
  try {
    const packages = toolPackages(source);
    step.note('downloading sources');
    await go(['mod', 'download'], source, () => undefined);
    let compiled = 0;
    const target = packages.length === 0 ? [join(folder, 'kubernetes'), '.'] : [`${folder}/`, ...packages];
    await go(['build', '-v', ...flags, '-o', ...target], source, () => step.note(`${++compiled} packages compiled`));
    step.done();
  } catch (error) {
    step.failed();
    throw error;
  }
}

function toolPackages(source: string): readonly string[] {
  const block = /^tool \(([^)]*)\)|^tool (\S+)$/m.exec(readFileSync(join(source, 'go.mod'), 'utf8'));
  return (block?.[1] ?? block?.[2] ?? '').split(/\s+/).filter(Boolean);
}

/** Rejects with what Go said last, which is where it says why. */
function go(args: readonly string[], cwd: string, onLine: (line: string) => void): Promise<void> {
  const [program = '', ...rest] = tied(['go', ...args]);
  return new Promise((resolve, reject) => {
    const child = spawn(program, rest, {
      cwd,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly', GOWORK: 'off' },
    });
    const last: string[] = [];
    createInterface({ input: child.stderr }).on('line', (line) => {
      last.push(line);
      if (last.length > 20) last.shift();
      onLine(line);
    });
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`go ${args[0]} failed in ${cwd}:\n${last.join('\n')}`)),
    );
  });
}
