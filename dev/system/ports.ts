import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { obstacle } from '../obstacle.ts';
import { onLinux, processIds } from './processes.ts';

const defaults = {
  TEMPORAL: { port: 7233, purpose: 'the Temporal server' },
  TEMPORAL_UI: { port: 8233, purpose: "Temporal's web UI" },
  KUBERNETES: { port: 6443, purpose: 'the Kubernetes API server' },
  KUBELET: { port: 10250, purpose: 'the Kubernetes node' },
} as const;

export type PortName = keyof typeof defaults;
export type Ports = Readonly<Record<PortName, number>>;

const variable = (name: PortName): string => `HOLDFAST_PORT_${name}`;

export function portsFrom(env: NodeJS.ProcessEnv): Ports {
  const port = (name: PortName): number => {
    const given = env[variable(name)];
    if (!given) return defaults[name].port;
    const value = Number(given);
    if (Number.isInteger(value) && value > 0 && value < 65536) return value;
    throw obstacle(
      `${variable(name)} is ${given}, which is no port`,
      defaults[name].purpose,
      'give a number from 1 to 65535',
    );
  };
  return {
    TEMPORAL: port('TEMPORAL'),
    TEMPORAL_UI: port('TEMPORAL_UI'),
    KUBERNETES: port('KUBERNETES'),
    KUBELET: port('KUBELET'),
  };
}

/** Throws one sentence about the first port that is taken. */
export async function assertFree(ports: Ports, names: readonly PortName[]): Promise<void> {
  for (const name of names) {
    const port = ports[name];
    if (await isFree(port)) continue;
    const holder = holderOf(port);
    throw obstacle(
      `Port ${port} is taken${holder === undefined ? '' : ` by ${holder}`}`,
      defaults[name].purpose,
      `end that process`,
      `choose another port with ${variable(name)}=${port + 10_000 > 65_535 ? port - 1_000 : port + 10_000}`,
    );
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
      .once('error', () => resolve(false))
      .listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** "name (pid 123)", as far as this user may know. */
function holderOf(port: number): string | undefined {
  if (!onLinux) return undefined;
  const inodes = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => listeningInodes(table, port)));
  for (const pid of processIds()) {
    try {
      const files = readdirSync(`/proc/${pid}/fd`);
      if (files.some((fd) => inodes.has(/^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? '')))
        return `${readFileSync(`/proc/${pid}/comm`, 'utf8').trim()} (pid ${pid})`;
    } catch {
      // Ended, or not ours to look into.
    }
  }
  return undefined;
}

function listeningInodes(table: string, port: number): readonly string[] {
  const listening = '0A';
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0');
  try {
    const rows = readFileSync(table, 'utf8')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/));
    return rows.flatMap((row) =>
      row[1]?.endsWith(`:${hexPort}`) && row[3] === listening && row[9] !== undefined ? [row[9]] : [],
    );
  } catch {
    return [];
  }
}
