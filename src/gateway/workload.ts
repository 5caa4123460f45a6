import type { WorkloadName } from '../contract.ts';
import { HoldfastError } from '../errors.ts';
import { workloads } from '../workloads/index.ts';

export function isWorkload(name: string): name is WorkloadName {
  return Object.hasOwn(workloads, name);
}

export function unknownWorkload(name: string): HoldfastError {
  const known = Object.keys(workloads).join(', ');
  return new HoldfastError('WORKLOAD_UNKNOWN', `There is no workload ${name} here; there are ${known}.`, { name });
}
