import { getEventListeners } from 'node:events';
import { abortable, anySignal } from '@privval/proto/runtime/abort';
import { systemClock } from '@privval/proto/runtime/clock';
import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../harness/manual-clock.ts';

/** What both clocks do alike, as far as it can be seen without waiting. */
describe.each([
  ['the machine’s clock', systemClock],
  ['the manual clock', new ManualClock()],
] as const)('%s', (_, clock) => {
  test('ends a sleep with the reason of the abort, before and while it sleeps', async () => {
    const reason = new Error('awake');
    await expect(clock.sleep(1e8, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const sleeping = clock.sleep(1e8, { signal: controller.signal });
    controller.abort(reason);
    await expect(sleeping).rejects.toBe(reason);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  });

  test('gives deadlines that do not fire once disposed', () => {
    const deadline = clock.deadline(1e8);
    expect(deadline.signal.aborted).toBe(false);
    deadline[Symbol.dispose]();
    expect(deadline.signal.aborted).toBe(false);
  });
});

describe('the manual clock', () => {
  test('fires what falls due in order, and what that sets within the span', async () => {
    const clock = new ManualClock();
    const log: string[] = [];
    const chain = (async () => {
      await clock.sleep(10);
      log.push(`first at ${clock.monotonicMs()}`);
      await clock.sleep(5);
      log.push(`second at ${clock.monotonicMs()}`);
    })();
    using deadline = clock.deadline(12);
    deadline.signal.addEventListener('abort', () => log.push(`deadline at ${clock.monotonicMs()}`));
    await clock.advance(20);
    await chain;
    expect(log).toEqual(['first at 10', 'deadline at 12', 'second at 15']);
    expect(deadline.signal.reason).toMatchObject({ code: 'ERR_DEADLINE', limitMs: 12 });
    expect(clock.monotonicMs()).toBe(20);
    expect(clock.pending).toBe(0);
  });

  test('does not fire what is due later', async () => {
    const clock = new ManualClock();
    using deadline = clock.deadline(100);
    await clock.advance(99);
    expect(deadline.signal.aborted).toBe(false);
    expect(clock.nextInMs).toBe(1);
    await clock.advance(1);
    expect(deadline.signal.aborted).toBe(true);
  });

  test('tells when the code under test has come to its wait', async () => {
    const clock = new ManualClock();
    const started = Promise.withResolvers<void>();
    const waiting = started.promise.then(() => clock.sleep(7));
    const pending = clock.untilPending();
    started.resolve();
    await pending;
    expect(clock.nextInMs).toBe(7);
    await clock.advance(7);
    await waiting;
  });

  test('moves the wall clock alone when told to', async () => {
    const clock = new ManualClock({ nowMs: 1000 });
    await clock.advance(5);
    expect(clock.now()).toBe(1005);
    clock.setNow(10);
    expect([clock.now(), clock.monotonicMs()]).toEqual([10, 5]);
  });
});

describe('abortable', () => {
  test('stops the waiting, and drops what comes of the work later', async () => {
    const reason = new Error('enough');
    for (const aborted of [true, false]) {
      const controller = new AbortController();
      if (aborted) controller.abort(reason);
      const { promise, reject } = Promise.withResolvers<never>();
      const waiting = expect(abortable(promise, { signal: controller.signal })).rejects.toBe(
        reason,
      );
      controller.abort(reason);
      await waiting;
      // A rejection that nobody observed would fail this run.
      reject(new Error('late'));
      expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
    }
  });

  test('gives the outcome of the work when it comes first', async () => {
    const { signal } = new AbortController();
    expect(await abortable(Promise.resolve(5), { signal })).toBe(5);
    const error = new Error('failed');
    await expect(abortable(Promise.reject(error), { signal })).rejects.toBe(error);
    expect(await abortable(Promise.resolve(6), {})).toBe(6);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  test('takes several signals as one', () => {
    const [a, b] = [new AbortController(), new AbortController()];
    expect(anySignal(undefined, undefined)).toBeUndefined();
    expect(anySignal(undefined, a.signal)).toBe(a.signal);
    const both = anySignal(a.signal, b.signal);
    b.abort();
    expect(both?.aborted).toBe(true);
  });
});
