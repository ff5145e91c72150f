import type { ViteUserConfig } from 'vitest/config';

/** Against stock peers (Go, Rust): real processes, real time. One file at a time: two cores. */
const config: ViteUserConfig = {
  test: {
    include: ['test/interop/**/*.test.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 120_000,
  },
};

export default config;
