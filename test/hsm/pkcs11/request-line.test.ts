import { RequestLine } from '@privval/hsm/pkcs11/request-line';
import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../harness/manual-clock.ts';

function line(maxQueued = 3) {
  const clock = new ManualClock();
  let requests = 0;
  const onRequest = (): void => {
    requests += 1;
  };
  const queue = new RequestLine<string, string>({ clock, onRequest }, { maxQueued });
  return { clock, queue, requests: () => requests };
}

const WAIT = { queueTimeoutMs: 4_000 };

describe('a line of requests', () => {
  test('is served in the order in which they came, each told its own answer', async () => {
    const { clock, queue, requests } = line();
    const answers = ['a', 'b', 'c'].map((request) => queue.enter(request, WAIT));
    expect(requests()).toBe(3);
    for (const expected of ['a', 'b', 'c']) {
      const turn = queue.take();
      expect(turn?.request).toBe(expected);
      turn?.resolve(expected.toUpperCase());
    }
    expect(await Promise.all(answers)).toEqual(['A', 'B', 'C']);
    expect(queue.take()).toBeUndefined();
    expect(clock.pending).toBe(0);
  });

  test('refuses one too many at once, and takes the next when there is room again', async () => {
    const { queue } = line(1);
    const first = queue.enter('a', WAIT);
    await expect(queue.enter('b', WAIT)).rejects.toMatchObject({
      code: 'ERR_PKCS11_BUSY',
      blamesKey: false,
      remedy: 'wait',
    });
    queue.take()?.resolve('A');
    await first;
    const third = queue.enter('c', WAIT);
    queue.take()?.resolve('C');
    expect(await third).toBe('C');
  });

  test('gives a request up at its limit, and the device never sees it (S28)', async () => {
    const { clock, queue } = line();
    const slow = queue.enter('a', WAIT).catch((error: unknown) => error);
    await clock.advance(3_999);
    expect(queue.isEmpty).toBe(false);
    await clock.advance(1);
    expect(await slow).toMatchObject({ code: 'ERR_PKCS11_BUSY', blamesKey: false });
    expect(queue.take()).toBeUndefined();
  });

  test('counts the time in line only: a request that has its turn takes as long as it takes', async () => {
    const { clock, queue } = line();
    const asked = queue.enter('a', WAIT);
    const turn = queue.take();
    await clock.advance(60_000);
    turn?.resolve('A');
    expect(await asked).toBe('A');
    expect(clock.pending).toBe(0);
  });

  test('lets one go whose asker gave up, with the reason itself', async () => {
    const { clock, queue } = line();
    const abort = new AbortController();
    const asked = queue.enter('a', { ...WAIT, signal: abort.signal });
    const reason = { gone: 'away' };
    abort.abort(reason);
    await expect(asked).rejects.toBe(reason);
    expect(queue.isEmpty).toBe(true);
    expect(clock.pending).toBe(0);
  });

  test('sends everybody away at once when it is told to', async () => {
    const { clock, queue } = line();
    const asked = ['a', 'b'].map((request) => queue.enter(request, WAIT));
    const fault = new Error('the module is gone');
    queue.refuseAll(fault);
    for (const each of asked) await expect(each).rejects.toBe(fault);
    expect(queue.isEmpty).toBe(true);
    expect(clock.pending).toBe(0);
  });
});
