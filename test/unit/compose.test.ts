/** docker-compose.yml and the worker's config agree: what is set there is read here, and accepted. */
import { existsSync, readFileSync } from 'node:fs';
import { loadYaml } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { EAGER } from '../../dev/temporal.ts';
import { readConfig } from '../../src/config.ts';

interface Service {
  readonly image?: string;
  readonly build?: unknown;
  readonly environment?: Readonly<Record<string, string | number | null>> | readonly string[];
  readonly volumes?: readonly string[];
}

const FILE = new URL('../../docker-compose.yml', import.meta.url);
const exists = existsSync(FILE);
const { services = {} } = exists ? loadYaml<{ services?: Record<string, Service> }>(readFileSync(FILE, 'utf8')) : {};
const workers = Object.entries(services).filter(([, service]) =>
  Object.keys(environmentOf(service)).some((name) => name.startsWith('HOLDFAST_')),
);

/** As Compose hands it over where the user has set nothing: `${NAME:-default}` is its default, `${NAME}` is empty. */
function environmentOf({ environment = {} }: Service): Record<string, string> {
  const pairs = Array.isArray(environment)
    ? environment.map((pair: string) => [pair.split('=')[0] ?? '', pair.slice(pair.indexOf('=') + 1)] as const)
    : Object.entries(environment);
  return Object.fromEntries(pairs.map(([name, value]) => [name, withDefaults(String(value ?? ''))]));
}

function withDefaults(text: string): string {
  return text.replace(/\$\{\w+(?::?-([^}]*))?\}/g, (_, otherwise?: string) => otherwise ?? '');
}

describe.skipIf(!exists)('docker-compose.yml (skipped where there is none)', () => {
  it('has a worker', () => {
    expect(workers.map(([name]) => name)).toContain('worker');
  });

  it('gives the worker a configuration that it accepts, with a Temporal and a cluster named on purpose', () => {
    for (const [, service] of workers) {
      const config = readConfig({ ...environmentOf(service), HOME: '/nobody', XDG_STATE_HOME: '/nobody' });
      expect(config.kubernetes.context).toBeTruthy();
      expect(config.temporal.connectionOptions.address).toMatch(/^[\w.-]+:\d+$/);
      expect(Object.keys(services)).toContain(config.temporal.connectionOptions.address?.split(':')[0]);
    }
  });

  it('sets no variable that nobody reads', () => {
    const read = new Set(readFileSync(new URL('../../src/config.ts', import.meta.url), 'utf8').match(/HOLDFAST_\w+/g));
    const set = workers.flatMap(([, service]) => Object.keys(environmentOf(service)));
    expect(set.filter((name) => name.startsWith('HOLDFAST_') && !read.has(name))).toEqual([]);
  });

  it('gives Temporal the settings that `npm run up` gives it', () => {
    const [key = '', value = ''] = EAGER.split('=');
    const path = 'dev/compose/temporal.yaml';
    expect(loadYaml(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8'))).toEqual({
      [key]: [{ value: JSON.parse(value) as unknown }],
    });
    const temporal = services['temporal'] ?? {};
    const { DYNAMIC_CONFIG_FILE_PATH: inside } = environmentOf(temporal);
    expect(temporal.volumes).toContain(`./${path}:/etc/temporal/${inside}:ro`);
  });

  it('pins every image by version', () => {
    const images = Object.values(services).flatMap(({ image, build }) => (build === undefined ? [image ?? ''] : []));
    expect(images.length).toBeGreaterThan(0);
    for (const image of images.map(withDefaults)) {
      expect(image).toMatch(/:v?\d+[\w.-]*$|@sha256:[0-9a-f]{64}$/);
      expect(image).not.toMatch(/:latest$/);
    }
  });
});
