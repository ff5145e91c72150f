import type { ViteUserConfig } from 'vitest/config';

/**
 * Crash safety: processes killed, disks that fail, power that is cut, requests raced by the million.
 *
 * Needs Linux, `strace` and `gcc` (`apt-get install strace gcc libc6-dev`); `.ci/run` installs them.
 * Longer runs: PRIVVAL_RACED_PAIRS=1000000000, PRIVVAL_KILLS=100000.
 */
const config: ViteUserConfig = {
  test: {
    include: ['test/crash/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 24 * 3_600_000,
    hookTimeout: 120_000,
  },
};

export default config;
