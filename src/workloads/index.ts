/** Every kind of task. A new one is one file and one line here. */
import type { WorkloadName } from '../contract.ts';
import { command } from './command.ts';
import { evaluation } from './evaluation.ts';
import type { Workload } from './workload.ts';

export const workloads: Readonly<Record<WorkloadName, Workload>> = { command, evaluation };
