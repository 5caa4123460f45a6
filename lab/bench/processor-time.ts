/** Processor time, as the kernel counts it: on a machine that is never idle, seconds are made of nothing else. */
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { processIds, statOf } from '../../dev/system/processes.ts';

/** What is told apart, by what is in a process's command line. */
const PARTS = [
  ['the API server', /kube-apiserver/],
  ['Temporal', /server\0start-dev/],
  ['the workers', /\/(?:src|smallest)\/worker\.ts/],
] as const;

export type Part = (typeof PARTS)[number][0] | 'the whole machine';

/** Milliseconds. */
export type ProcessorTime = Readonly<Record<Part, number>>;

/** Linux counts for whoever asks in hundredths of a second, whatever its own clock is. */
const TICK_MS = 10;

/** Begins to count. What it gives tells what has been spent since, by whomever. @throws where there is no /proc */
export function processorClock(): () => ProcessorTime {
  const [machine, before] = [machineTime(), byProcess()];
  return () => {
    const spent = {
      'the whole machine': machineTime().busy - machine.busy,
      'the API server': 0,
      Temporal: 0,
      'the workers': 0,
    };
    for (const [who, { part, ms }] of byProcess()) spent[part] += ms - (before.get(who)?.ms ?? 0);
    return spent;
  };
}

/** By all cores since the machine began, also of processes that have ended. Milliseconds. */
export function machineTime(): { readonly idle: number; readonly busy: number } {
  const times = cpus().map((core) => core.times);
  const sum = (of: (core: (typeof times)[number]) => number) => times.reduce((total, core) => total + of(core), 0);
  return { idle: sum(({ idle }) => idle), busy: sum(({ user, nice, sys, irq }) => user + nice + sys + irq) };
}

function byProcess(): ReadonlyMap<string, { readonly part: Part; readonly ms: number }> {
  const found = processIds().flatMap((pid) => {
    const part = partOf(commandLineOf(pid));
    if (part === undefined) return [];
    const fields = statOf(pid);
    const [user, system, begunAt] = [fields[11], fields[12], fields[19]];
    return [[`${pid} since ${begunAt}`, { part, ms: (Number(user ?? 0) + Number(system ?? 0)) * TICK_MS }] as const];
  });
  return new Map(found);
}

export function partOf(commandLine: string): Part | undefined {
  return PARTS.find(([, pattern]) => pattern.test(commandLine))?.[0];
}

/** Nothing, if it has just ended. */
function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
