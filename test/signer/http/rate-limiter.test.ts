import { RateLimiter } from '@privval/signer/http/rate-limiter';
import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../harness/manual-clock.ts';

describe('a limit of requests', () => {
  test('gives a burst, then its rate, and says how long to wait', async () => {
    const clock = new ManualClock();
    const limiter = new RateLimiter({ clock }, { perSecond: 2, burst: 3 });
    expect([1, 2, 3, 4].map(() => limiter.take('a'))).toEqual([0, 0, 0, 1]);
    await clock.advance(500);
    expect([1, 2].map(() => limiter.take('a'))).toEqual([0, 1]);
    await clock.advance(60_000);
    expect([1, 2, 3, 4].map(() => limiter.take('a'))).toEqual([0, 0, 0, 1]);
  });

  test('is each source on its own', () => {
    const limiter = new RateLimiter({ clock: new ManualClock() }, { perSecond: 1, burst: 1 });
    expect(limiter.take('a')).toBe(0);
    expect(limiter.take('b')).toBe(0);
    expect(limiter.take('a')).toBe(1);
  });

  test('remembers at most 1,024 sources, and forgets the one that was silent longest', () => {
    const limiter = new RateLimiter({ clock: new ManualClock() }, { perSecond: 1, burst: 1 });
    limiter.take('first');
    for (let n = 0; n < 1_023; n++) limiter.take(`source ${n}`);
    expect(limiter.take('first')).toBe(1);
    for (let n = 0; n < 5_000; n++) limiter.take(`stranger ${n}`);
    expect(limiter.size).toBe(1_024);
  });
});
