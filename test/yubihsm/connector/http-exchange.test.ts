import http from 'node:http';
import { Duplex } from 'node:stream';
import { expect, test } from 'vitest';
import { parseConnectorUrl } from 'yubihsm/connector/connector-url';
import { exchangeHttp } from 'yubihsm/connector/http-exchange';
import { ManualClock } from '../../harness/manual-clock.ts';

/** A connection that comes about, and fails at its first write or read as the system's do. */
function failingAgent(syscall: 'write' | 'read', code: string): http.Agent {
  const agent = new http.Agent();
  agent.createConnection = () => {
    const error = Object.assign(new Error(`${syscall} ${code}`), { syscall, code });
    const socket = new Duplex({
      read() {},
      write(_chunk, _encoding, done) {
        if (syscall === 'write') done(error);
        else process.nextTick(() => socket.destroy(error));
      },
    });
    process.nextTick(() => socket.emit('connect'));
    return socket;
  };
  return agent;
}

test.each([
  [
    'a write that fails: the frame did not get through',
    'write',
    'EPIPE',
    'STALE_CONNECTION',
    false,
  ],
  ['a write that fails by a reset', 'write', 'ECONNRESET', 'STALE_CONNECTION', false],
  ['a read that fails: nobody knows', 'read', 'ECONNRESET', 'REPLY_LOST', true],
] as const)('%s', async (_, syscall, failure, code, mayHaveRun) => {
  const clock = new ManualClock();
  const exchange = exchangeHttp(clock, {
    url: parseConnectorUrl('http://127.0.0.1:12345'),
    agent: failingAgent(syscall, failure),
    method: 'POST',
    path: '/connector/api',
    body: Uint8Array.of(1, 0, 0),
    maxReplyBytes: 10,
    connectTimeoutMs: 1_000,
    requestTimeoutMs: 1_000,
    signal: new AbortController().signal,
  });
  await expect(exchange).rejects.toMatchObject({
    code: `ERR_YUBIHSM_${code}`,
    mayHaveRun,
    usedKeptConnection: false,
    cause: { code: failure },
  });
  expect(clock.pending).toBe(0);
});
