import type { Reporter } from '../report.ts';
import { findProgram } from '../system/processes.ts';
import { apt, ensureDebianProgram, hasDebianTools } from './debian.ts';

/** Prometheus' own program that checks and tests rules: the machine's, or Debian's; undefined where neither can be had. */
export async function ensurePromtool(cache: string, reporter: Reporter): Promise<string | undefined> {
  const own = findProgram('promtool');
  if (own !== undefined || !hasDebianTools()) return own;
  return ensureDebianProgram(cache, apt(cache, reporter), reporter, {
    name: 'promtool',
    package: 'prometheus',
    path: 'usr/bin/promtool',
    why: 'it tests the alert rules',
  });
}
