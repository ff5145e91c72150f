import { loadFastify } from '@privval/signer/http/load-fastify';
import { expect, test } from 'vitest';

test('Fastify is loaded in pieces that are all there, with a turn for others after each', async () => {
  let turns = 0;
  let isLoading = true;
  const count = (): void => {
    turns += 1;
    if (isLoading) setImmediate(count);
  };
  setImmediate(count);
  expect(await loadFastify()).toEqual([]);
  isLoading = false;
  expect(turns).toBeGreaterThan(30);
});
