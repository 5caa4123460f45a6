/** The rules in deploy/alerts.yaml, judged by Prometheus' own promtool: the machine's, or the one of Debian's package. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { terminalReporter } from '../../dev/report.ts';
import { pathsFrom } from '../../dev/system/paths.ts';
import { run } from '../../dev/system/processes.ts';
import { ensurePromtool } from '../../dev/toolchain/promtool.ts';

const RULES = 'deploy/alerts.yaml';
const TESTS = 'deploy/alerts.test.yaml';

let program: string | undefined;

beforeAll(async () => {
  program = await ensurePromtool(pathsFrom(process.env).cache, terminalReporter());
}, 300_000);

/** Rejects with what promtool printed, if it does not agree. */
async function promtool(context: TestContext, ...args: readonly string[]): Promise<void> {
  if (program === undefined)
    return context.skip('no promtool: neither the program nor apt is here; install Prometheus to run this');
  const said = run(program, [...args]).catch(({ stdout, stderr }: { stdout: string; stderr: string }) =>
    Promise.reject(new Error(`${stdout}${stderr}`)),
  );
  expect((await said).stdout).toContain('SUCCESS');
}

describe('the alert rules', () => {
  it('are rules to Prometheus', (context) => promtool(context, 'check', 'rules', RULES));

  it('call when they should, and only then', (context) => promtool(context, 'test', 'rules', TESTS));

  it('are each tested to call', () => {
    const alerts = readFileSync(RULES, 'utf8').matchAll(/- alert: (\w+)/g);
    const called = [...readFileSync(TESTS, 'utf8').matchAll(/alertname: (\w+)\n +exp_alerts:/g)].map(
      ([, name]) => name,
    );
    expect(called).toEqual(expect.arrayContaining([...alerts].map(([, name]) => name)));
  });
});
