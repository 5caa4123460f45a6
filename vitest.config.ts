import { defineConfig } from 'vitest/config';

const shared = { pool: 'forks', testTimeout: 60_000, hookTimeout: 60_000 } as const;

/** Rooms by what they cost: `unit` is seconds, the others are minutes in all. Threads crash Temporal's native module, so everything runs in processes. */
export default defineConfig({
  test: {
    projects: [
      { test: { ...shared, name: 'unit', include: ['test/unit/**/*.test.ts'] } },
      // The exhaustive model, explored within small bounds.
      { test: { ...shared, name: 'lab', include: ['test/lab/**/*.test.ts'] } },
      // The evaluation runner as a real Python process, with samples that run into their timeouts.
      { test: { ...shared, name: 'runner', include: ['test/runner/**/*.test.ts'] } },
      // The alert rules; takes Prometheus' own promtool from its Debian package, once.
      { test: { ...shared, name: 'alerts', include: ['test/alerts/**/*.test.ts'] } },
      {
        test: {
          ...shared,
          name: 'workflow',
          include: ['test/workflow/**/*.test.ts'],
          globalSetup: ['test/bundle.ts'],
        },
      },
      {
        test: {
          ...shared,
          name: 'cluster',
          include: ['test/cluster/**/*.test.ts'],
          globalSetup: ['test/bundle.ts'],
          // One cluster, two cores: files run one after the other.
          fileParallelism: false,
          // A limit for hangs, not a promise of speed: machines may be busy.
          testTimeout: 300_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
