import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Task } from '../../src/contract.ts';
import { HoldfastError } from '../../src/errors.ts';
import { parseQuantity } from '../../src/kubernetes/quantity.ts';
import { parseDuration, settle } from '../../src/settings.ts';

describe('settings', () => {
  it('have the defaults that contract.ts promises', () => {
    expect(settle({ workload: 'command', image: 'a' })).toEqual({
      timeoutSeconds: 3_600,
      gracePeriodSeconds: 5,
      resources: { cpu: '1', memory: '512Mi', tmp: '64Mi', devices: {} },
      nodeSelector: {},
      network: 'none',
    });
  });

  it('are kept where they were given', () => {
    const task: Task = {
      workload: 'command',
      image: 'a',
      timeout: '1d2h',
      gracePeriod: '0s',
      resources: { cpu: '2', devices: { 'a/b': 2 } },
      runtimeClass: 'r',
      network: 'cluster',
    };
    expect(settle(task)).toMatchObject({
      timeoutSeconds: 93_600,
      gracePeriodSeconds: 0,
      resources: { cpu: '2', devices: { 'a/b': 2 } },
      runtimeClass: 'r',
      network: 'cluster',
    });
  });

  it('read durations as they are written', () => {
    const part = fc.option(fc.nat({ max: 10_000 }));
    fc.assert(
      fc.property(part, part, part, part, (d, h, m, s) => {
        const given = [d, h, m, s]
          .flatMap((count, unit) => (count === null ? [] : [`${count}${'dhms'[unit]}`]))
          .join('');
        if (given === '') return;
        expect(parseDuration(given)).toBe((d ?? 0) * 86_400 + (h ?? 0) * 3_600 + (m ?? 0) * 60 + (s ?? 0));
      }),
    );
    for (const text of ['', 'NaN', '-5s', '5', '1.5h', '30m1h', '1h1h', ' 1s', '1s\n', '1e3s', 'Infinitys']) {
      expect(() => parseDuration(text)).toThrow(HoldfastError);
    }
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          expect(parseDuration(text)).toBeGreaterThanOrEqual(0);
        } catch (error) {
          expect(error).toBeInstanceOf(HoldfastError);
        }
      }),
    );
  });

  it('read quantities as Kubernetes does', () => {
    const known = {
      '500m': 0.5,
      '0.1': 0.1,
      '100m': 0.1,
      '1k': 1e3,
      '1Ki': 1024,
      '1.5Gi': 1.5 * 2 ** 30,
      '1e3': 1e3,
      '1E': 1e18,
      '2.': 2,
      '.5': 0.5,
    };
    for (const [text, amount] of Object.entries(known)) expect(parseQuantity(text)).toBe(amount);
    for (const text of ['', '-1', '1 Gi', '1gi', 'Mi', '1KiB', '0x10', 'NaN', '1e', '١'])
      expect(parseQuantity(text)).toBeUndefined();
  });
});
