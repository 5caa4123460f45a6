/** The HTTP API on a real Temporal. The cluster is a world of answers. */
import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import type { Activities } from '../../src/activities/index.ts';
import { HoldfastClient } from '../../src/client.ts';
import { createApp } from '../../src/gateway/app.ts';
import type { App } from '../../src/gateway/bare-app.ts';
import { anyone, type Identify } from '../../src/gateway/auth/guard.ts';
import { GatewayMetrics } from '../../src/gateway/metrics.ts';
import { createLogger } from '../../src/telemetry.ts';
import { type Answer, Driver } from '../gateway/driver.ts';
import { realTemporal, type Stage } from './stage.ts';
import { Moment, untilCancelled, world } from './world.ts';

export const BODY = { workload: 'command', image: 'a' };

export interface Gateway {
  readonly app: App;
  readonly api: Driver;
  readonly client: HoldfastClient;
}

interface Settings {
  readonly taskQueue: string;
  readonly logDir: string;
  readonly identify: Identify;
  readonly stopping: AbortSignal;
  readonly mayKill: boolean;
}

export class GatewayStage {
  readonly stage: Stage;
  readonly client: HoldfastClient;
  readonly api: Driver;
  readonly app: App;

  private constructor(stage: Stage, { app, api, client }: Gateway) {
    this.stage = stage;
    this.client = client;
    this.api = api;
    this.app = app;
  }

  static async open(settings: Partial<Settings> = {}): Promise<GatewayStage> {
    const stage = await realTemporal();
    return new GatewayStage(stage, await gatewayOn(stage, settings));
  }

  /** Another gateway on the same Temporal. */
  another(settings: Partial<Settings>): Promise<Gateway> {
    return gatewayOn(this.stage, settings);
  }

  /** Starts a task through the API, and waits until it follows its Job, if it gets there. */
  async started(activities: Partial<Activities> = {}, id = `http-${randomUUID()}`): Promise<string> {
    this.stage.cast(id, world(activities));
    expect(await this.api.call('startTask', { body: { ...BODY, id } })).toMatchObject({ status: 201 });
    return id;
  }

  async running(more: Partial<Activities> = {}): Promise<string> {
    const { reach, reached } = new Moment();
    const id = await this.started({ follow: () => (reach(), untilCancelled()), ...more });
    await reached;
    return id;
  }

  cancel(id: string, reason?: string, wait = '30s'): Promise<Answer> {
    const body = reason === undefined ? {} : { reason };
    return this.api.call('cancelTask', { at: { id }, query: { wait }, body });
  }

  async close(): Promise<void> {
    await this.app.close();
    await this.stage.close();
  }
}

async function gatewayOn(stage: Stage, settings: Partial<Settings>): Promise<Gateway> {
  const { taskQueue = stage.taskQueue, logDir = '/nowhere', identify = anyone } = settings;
  const { stopping = new AbortController().signal, mayKill = false } = settings;
  const client = new HoldfastClient(stage.client, { taskQueue, logDir });
  const told = { log: createLogger('error'), metrics: new GatewayMetrics() };
  const app = await createApp({ client, taskQueue, logDir, identify, rate: 100_000, stopping, mayKill, ...told });
  return { app, client, api: await Driver.of(app) };
}
