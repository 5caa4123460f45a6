import { defineConfig } from 'vitest/config';

const shared = { pool: 'forks', testTimeout: 60_000, hookTimeout: 60_000 } as const;

/** Three rooms with three costs. Threads crash Temporal's native module, so everything runs in processes. */
export default defineConfig({
  test: {
    projects: [
      { test: { ...shared, name: 'unit', include: ['test/unit/**/*.test.ts'] } },
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
          testTimeout: 120_000,
        },
      },
    ],
  },
});
