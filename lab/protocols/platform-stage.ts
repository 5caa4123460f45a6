/** A baseline, running: worker and dispatcher as processes, the API (submit, cancel) in this one. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Answer, Baseline, Parts, Protocol, Stage, Surroundings } from './protocol.ts';
import { isEnded } from './records.ts';
import { freePort, RoleProcess } from './role-process.ts';
import { partsOf, READY, type Role, type RoleSettings } from './role.ts';

const ENTRY = fileURLToPath(new URL('./role.ts', import.meta.url));

export function onPlatform(baseline: Baseline): Protocol {
  const { name, title, assumes, price, needsRedis } = baseline;
  return { name, title, assumes, price, needsRedis, open: (given) => PlatformStage.open(baseline, given) };
}

class PlatformStage implements Stage {
  readonly #baseline: Baseline;
  readonly #settings: RoleSettings;
  readonly #logs: string;
  readonly #parts: Parts & { close(): void };
  #killable: readonly RoleProcess[] = [];
  #beside: RoleProcess | undefined;

  private constructor(baseline: Baseline, settings: RoleSettings, logs: string, parts: Parts & { close(): void }) {
    this.#baseline = baseline;
    this.#settings = settings;
    this.#logs = logs;
    this.#parts = parts;
  }

  static async open(baseline: Baseline, given: Surroundings): Promise<PlatformStage> {
    const settings: RoleSettings = {
      protocol: baseline.name,
      kubeconfig: given.kubeconfig,
      namespace: given.namespace,
      image: given.image,
      database: join(given.folder, 'platform.sqlite'),
      dispatcherPort: await freePort(),
      redisUrl: baseline.needsRedis ? given.redisUrl : undefined,
      cleanUpSeconds: given.cleanUpSeconds,
    };
    const stage = new PlatformStage(baseline, settings, given.folder, await partsOf(settings));
    await stage.restart();
    if (baseline.beside !== undefined) stage.#beside = await stage.#start('beside');
    return stage;
  }

  async submit(id: string): Promise<void> {
    this.#parts.records.submit(id);
  }

  cancel(id: string): Promise<Answer> {
    return this.#baseline.cancel(this.#parts, id);
  }

  async force(id: string): Promise<void> {
    this.#parts.records.move(id, ['pending', 'provisioning', 'running'], 'cancelled');
  }

  async ended(id: string): Promise<string | undefined> {
    const status = this.#parts.records.status(id);
    return status !== undefined && isEnded(status) ? status : undefined;
  }

  async kill(): Promise<void> {
    await Promise.all(this.#killable.map((role) => role.end('SIGKILL')));
  }

  async restart(): Promise<void> {
    this.#killable = await Promise.all([this.#start('dispatcher'), this.#start('worker')]);
  }

  async close(): Promise<void> {
    await this.kill();
    await this.#beside?.end('SIGKILL');
    this.#parts.close();
  }

  #start(role: Role): Promise<RoleProcess> {
    const args = [ENTRY, JSON.stringify({ role, ...this.#settings })];
    return RoleProcess.start({ args, ready: READY, log: join(this.#logs, `${role}.log`) });
  }
}
