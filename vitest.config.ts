import type { ViteUserConfig } from 'vitest/config';

/** The plain tests: no Go, no Rust, no network beyond loopback, under three minutes on two cores. */
const config: ViteUserConfig = {
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [
      '**/node_modules/**',
      'test/interop/**',
      'test/crash/**',
      'test/fuzz/**/*.long.test.ts',
    ],
    setupFiles: ['test/harness/byte-text-of-node-26.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
  },
};

export default config;
