import { createServer } from 'node:net';
import { Runtime } from '@temporalio/worker';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../../lab/protocols/role-process.ts';
import { BUCKETS, METRICS } from '../../src/metrics.ts';
import { createLogger, createMetrics, installRuntime } from '../../src/telemetry.ts';

const logger = createLogger('error');

async function page(address: string): Promise<string> {
  return (await fetch(`http://${address}/metrics`)).text();
}

describe('the page of metrics', () => {
  afterEach(() => Runtime.instance().shutdown());

  it('is served by a process that has no worker, with every metric on it by its name and type', async () => {
    const address = `127.0.0.1:${await freePort()}`;
    installRuntime({ metricsAddress: address }, logger);
    const metrics = createMetrics(logger);
    metrics.swept({ at: 1_700_000_000_500, orphans: [{ reason: 'closed', removed: true }] });
    metrics.oldestUnreleased(1.5);
    metrics.followSlotsFree(3);
    metrics.cancelProved({ phase: 'started', seconds: 0.75, wastedContainerSeconds: 0.25 });
    const text = await page(address);
    for (const { name, type, help } of Object.values(METRICS))
      expect(text).toContain(`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`);
    expect(text).toContain('holdfast_orphans_found_total{reason="closed"} 1\n');
    expect(text).toContain('holdfast_orphans_found_total{reason="absent"} 0\n');
    expect(text).toContain('holdfast_last_sweep_timestamp_seconds 1700000000.5\n');
    expect(text).toContain('holdfast_cancel_wasted_container_seconds_sum{phase="started"} 0.25\n');
    for (const [name, bounds] of Object.entries(BUCKETS))
      for (const bound of bounds) expect(text).toContain(`${name}_bucket{phase="started",le="${bound}"}`);
  });

  it('is served by nobody where no address is given, and counting does no harm', () => {
    installRuntime({ metricsAddress: undefined }, logger);
    createMetrics(logger).releaseRetried();
  });
});

it('an address that is taken is refused, by the name of the variable', async () => {
  const server = createServer();
  const port = await new Promise<number>((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)),
  );
  expect(() => installRuntime({ metricsAddress: `127.0.0.1:${port}` }, logger)).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining('HOLDFAST_METRICS_ADDRESS') }),
  );
  server.close();
});
