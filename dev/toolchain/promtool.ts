import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Reporter } from '../report.ts';
import { findProgram } from '../system/processes.ts';
import { ensure } from './cache.ts';
import { apt, hasDebianTools } from './debian.ts';

/** Prometheus' own program that checks and tests rules: the machine's, or Debian's; undefined where neither can be had. */
export async function ensurePromtool(cache: string, reporter: Reporter): Promise<string | undefined> {
  const own = findProgram('promtool');
  if (own !== undefined) return own;
  if (!hasDebianTools()) return undefined;
  const packages = await apt(cache, reporter).packages(['prometheus']);
  const folder = await ensure(cache, {
    name: 'promtool',
    key: packages.pins,
    async build(target) {
      const step = reporter.step('Taking promtool from its Debian package', 'it tests the alert rules');
      const aside = join(target, 'extracted');
      mkdirSync(aside);
      await packages.extract(aside);
      copyFileSync(join(aside, 'usr', 'bin', 'promtool'), join(target, 'promtool'));
      rmSync(aside, { recursive: true });
      step.done();
    },
  });
  return join(folder, 'promtool');
}
