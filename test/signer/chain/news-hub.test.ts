import { NewsHub } from '@privval/signer/chain/news-hub';
import { expect, test } from 'vitest';

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('every reader gets every item from its subscription on, in order', async () => {
  const hub = new NewsHub<number>(8);
  const early = hub.subscribe();
  await hub.put(1);
  const late = hub.subscribe();
  await hub.put(2);
  hub.close();
  expect(await Array.fromAsync(early)).toEqual([1, 2]);
  expect(await Array.fromAsync(late)).toEqual([2]);
});

test('an item is handled once every reader has come back for the next one, not when it was read', async () => {
  const hub = new NewsHub<number>(8);
  const readers = [hub.subscribe(), hub.subscribe()].map((items) => items[Symbol.asyncIterator]());
  let isHandled = false;
  await hub.put(1, {}, () => {
    isHandled = true;
  });
  const [first, second] = readers;
  await Promise.all(readers.map((reader) => reader.next()));
  void first?.next();
  await turn();
  expect(isHandled).toBe(false);
  void second?.next();
  await turn();
  expect(isHandled).toBe(true);
  hub.close();
});

test('the slowest reader sets the pace, and one that left does not', async () => {
  const hub = new NewsHub<number>(1);
  const stop = new AbortController();
  hub.subscribe({ signal: stop.signal });
  await hub.put(1);
  let hasRoom = false;
  const waiting = hub.put(2).then(() => {
    hasRoom = true;
  });
  await turn();
  expect(hasRoom).toBe(false);
  stop.abort();
  await waiting;
});

test('without readers an item is handled at once', async () => {
  let isHandled = false;
  await new NewsHub<number>(1).put(1, {}, () => {
    isHandled = true;
  });
  expect(isHandled).toBe(true);
});
