import { describe, expect, test } from 'vitest';
import { ReopenLimit } from 'yubihsm/reopen-limit';
import { Turnstile } from 'yubihsm/turnstile';

describe('a turnstile', () => {
  test('lets one through at a time, in order', async () => {
    const turnstile = new Turnstile(2);
    const order: string[] = [];
    const first = await turnstile.enter();
    const second = turnstile.enter()?.then((turn) => {
      order.push('second');
      return turn;
    });
    const third = turnstile.enter()?.then((turn) => {
      order.push('third');
      return turn;
    });
    expect(turnstile.enter()).toBeUndefined();
    expect(turnstile.waiting).toBe(2);
    first?.[Symbol.dispose]();
    (await second)?.[Symbol.dispose]();
    expect(order).toEqual(['second']);
    (await third)?.[Symbol.dispose]();
    expect(turnstile.isTaken).toBe(false);
  });

  test('does not let two in for a turn that is ended twice', async () => {
    const turnstile = new Turnstile(4);
    const first = await turnstile.enter();
    const second = turnstile.enter();
    const third = turnstile.enter();
    first?.[Symbol.dispose]();
    first?.[Symbol.dispose]();
    await second;
    expect(turnstile.waiting).toBe(1);
    (await second)?.[Symbol.dispose]();
    await third;
  });

  test('passes over who has left', async () => {
    const turnstile = new Turnstile(4);
    const leaver = new AbortController();
    const first = await turnstile.enter();
    const second = turnstile.enter({ signal: leaver.signal });
    const third = turnstile.enter();
    leaver.abort(new Error('left'));
    await expect(second).rejects.toThrow('left');
    first?.[Symbol.dispose]();
    await third;
    // A turn that has begun is not ended by its signal.
    expect(turnstile.isTaken).toBe(true);
    await expect(turnstile.enter({ signal: leaver.signal })).rejects.toThrow('left');
  });
});

describe('the limit on opening sessions', () => {
  test('is eight at once, then one a second, and forgets with time', () => {
    const limit = new ReopenLimit();
    for (let i = 0; i < 8; i++) {
      expect(limit.waitMs(1_000_000)).toBe(0);
      limit.opened(1_000_000);
    }
    expect(limit.waitMs(1_000_000)).toBe(1_000);
    expect(limit.waitMs(1_000_400)).toBeCloseTo(600);
    expect(limit.waitMs(1_001_000)).toBe(0);
    limit.opened(1_001_000);
    expect(limit.waitMs(1_001_000)).toBe(1_000);
    expect(limit.waitMs(1_100_000)).toBe(0);
    for (let i = 0; i < 8; i++) limit.opened(1_100_000);
    expect(limit.waitMs(1_100_000)).toBe(1_000);
  });
});
