/** What a worker process says of itself, and the system of it. */
import { readFileSync } from 'node:fs';

/** Resident memory, as the kernel counts it. @throws where there is no /proc */
export function residentMegabytes(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  if (kilobytes === undefined) throw new Error(`the kernel does not say how much memory process ${pid} has`);
  return Number(kilobytes) / 1_024;
}

/** Every call to Temporal that the worker has made, by the SDK's own count. */
export async function temporalRequests(metricsAddress: string): Promise<number> {
  const response = await fetch(`http://${metricsAddress}/metrics`);
  return countRequests(await response.text());
}

/** Polls are `long`: each waits at the server until there is work. */
export function countRequests(page: string): number {
  const counts = page.matchAll(/^temporal_(?:long_)?request(?:_total)?\{[^}]*\} (\d+(?:\.\d+)?)$/gm);
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}
