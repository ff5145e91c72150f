import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { afterEach, expect, test } from 'vitest';
import { parseConnectorUrl } from 'yubihsm/connector/connector-url';
import { HttpConnection } from 'yubihsm/connector/http-connection';
import { ManualClock } from '../../harness/manual-clock.ts';

const REQUEST = {
  method: 'POST',
  path: '/connector/api',
  body: Uint8Array.of(1, 0, 0),
  keepsConnection: true,
} as const;

const never = new AbortController().signal;
const LIMITS = { maxReplyBytes: 10, timeoutMs: 1_000, signal: never };

let cleanup = new AsyncDisposableStack();
afterEach(async () => {
  await cleanup.disposeAsync();
  cleanup = new AsyncDisposableStack();
});

/** A connection that comes about, and fails at its first write or read as the system's do. */
function failingSocket(syscall: 'write' | 'read', code: string): Socket {
  const error = Object.assign(new Error(`${syscall} ${code}`), { syscall, code });
  const socket = new Duplex({
    read() {},
    write(_chunk, _encoding, done) {
      if (syscall === 'write') done(error);
      else process.nextTick(() => socket.destroy(error));
    },
  });
  process.nextTick(() => socket.emit('connect'));
  return Object.assign(socket, { ref: () => socket, unref: () => socket }) as unknown as Socket;
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
  const connection = await HttpConnection.open(
    { clock, connect: () => failingSocket(syscall, failure) },
    { url: parseConnectorUrl('http://127.0.0.1:12345'), timeoutMs: 1_000, signal: never },
  );
  await expect(connection.exchange(REQUEST, LIMITS)).rejects.toMatchObject({
    code: `ERR_YUBIHSM_${code}`,
    mayHaveRun,
    usedKeptConnection: false,
    cause: { code: failure },
  });
  expect(connection.isOpen).toBe(false);
  expect(clock.pending).toBe(0);
});

/** A connection, and the other end of it. */
async function pair(): Promise<{ connection: HttpConnection; peer: Socket; clock: ManualClock }> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanup.defer(() => void server.close());
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const accepted = once(server, 'connection');
  const clock = new ManualClock();
  const url = parseConnectorUrl(`http://127.0.0.1:${port}`);
  const connection = cleanup.use(
    await HttpConnection.open({ clock }, { url, timeoutMs: 1_000, signal: never }),
  );
  const [peer] = (await accepted) as [Socket];
  peer.on('error', () => undefined);
  cleanup.defer(() => void peer.destroy());
  return { connection, peer, clock };
}

/** Answers the next request with `bytes`; resolves with the request. */
async function answer(peer: Socket, bytes: string): Promise<string> {
  const [request] = (await once(peer, 'data')) as [Buffer];
  peer.write(bytes, 'latin1');
  return request.toString('latin1');
}

/** Resolves when the connection has ended at the peer, which reads until then. */
async function untilEnded(peer: Socket): Promise<void> {
  peer.resume();
  if (!peer.readableEnded) await once(peer, 'end');
}

test('a request is its head and its body, with every byte of it, in one piece', async () => {
  const { connection, peer } = await pair();
  const body = new Uint8Array(256).map((_, index) => index);
  const received = answer(peer, 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nA');
  await connection.exchange({ ...REQUEST, body }, LIMITS);
  const { localPort } = peer;
  expect(await received).toBe(
    `POST /connector/api HTTP/1.1\r\nHost: 127.0.0.1:${localPort}\r\nConnection: keep-alive\r\n` +
      'Content-Type: application/octet-stream\r\nContent-Length: 256\r\n\r\n' +
      String.fromCharCode(...body),
  );
});

test('a status is asked for without a body, and the connection given up with it', async () => {
  const { connection, peer } = await pair();
  const received = answer(peer, 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nstatus');
  const request = { ...REQUEST, method: 'GET', path: '/connector/status' } as const;
  const reply = connection.exchange({ ...request, keepsConnection: false }, LIMITS);
  expect(await received).toBe(
    `GET /connector/status HTTP/1.1\r\nHost: 127.0.0.1:${peer.localPort}\r\nConnection: close\r\n\r\n`,
  );
  // Where nothing says how long it is, it ends with the connection.
  peer.end();
  expect(await reply).toMatchObject({ status: 200, body: new TextEncoder().encode('status') });
  expect(connection.isOpen).toBe(false);
});

test.each([
  ['that says nothing of it keeps the connection', '', Number.POSITIVE_INFINITY],
  ['may say for how long: a second is left out', 'Keep-Alive: timeout=5\r\n', 4_000],
  ['may leave no time', 'Keep-Alive: timeout=1\r\n', 0],
  ['may end it', 'Connection: Close\r\n', 0],
])('an answer %s', async (_, fields, keepMs) => {
  const { connection, peer } = await pair();
  void answer(peer, `HTTP/1.1 200 OK\r\n${fields}Content-Length: 1\r\n\r\nA`);
  await connection.exchange(REQUEST, LIMITS);
  expect(connection.keepMs).toBe(keepMs);
  expect(connection.isOpen).toBe(keepMs > 0);
  if (keepMs === 0) await untilEnded(peer);
});

test('bytes that nobody asked for end the connection', async () => {
  const { connection, peer } = await pair();
  void answer(peer, 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nA');
  await connection.exchange(REQUEST, LIMITS);
  expect(connection.isOpen).toBe(true);
  peer.write('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nB');
  await untilEnded(peer);
  expect(connection.isOpen).toBe(false);
  await expect(connection.exchange(REQUEST, LIMITS)).rejects.toMatchObject({
    code: 'ERR_YUBIHSM_STALE_CONNECTION',
    mayHaveRun: false,
    usedKeptConnection: true,
  });
});

test('a second answer behind the first ends the connection', async () => {
  const { connection, peer } = await pair();
  const both = 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nA'.repeat(2);
  void answer(peer, both);
  expect(await connection.exchange(REQUEST, LIMITS)).toMatchObject({ body: Uint8Array.of(0x41) });
  expect(connection.isOpen).toBe(false);
  await untilEnded(peer);
});

test('what is given up ends the connection, and asks nothing of a caller that has gone', async () => {
  const { connection, peer, clock } = await pair();
  const caller = new AbortController();
  const request = once(peer, 'data');
  const asked = connection.exchange(REQUEST, { ...LIMITS, signal: caller.signal });
  await request;
  caller.abort(new Error('gone'));
  await expect(asked).rejects.toBe(caller.signal.reason);
  await untilEnded(peer);
  expect(clock.pending).toBe(0);
  const next = await pair();
  const limits = { ...LIMITS, signal: caller.signal };
  await expect(next.connection.exchange(REQUEST, limits)).rejects.toBe(caller.signal.reason);
  await untilEnded(next.peer);
  expect(next.peer.bytesRead).toBe(0);
});

test('two requests at a time are a bug of the caller', async () => {
  const { connection, peer } = await pair();
  void answer(peer, 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nA');
  const first = connection.exchange(REQUEST, LIMITS);
  await expect(connection.exchange(REQUEST, LIMITS)).rejects.toMatchObject({
    code: 'ERR_YUBIHSM_INVARIANT',
  });
  await first;
});

test('an answer that ends with its connection is none when the connection breaks', async () => {
  const { connection, peer } = await pair();
  const request = answer(peer, 'HTTP/1.1 200 OK\r\n\r\nA');
  const asked = connection.exchange(REQUEST, LIMITS);
  const lost = expect(asked).rejects.toMatchObject({ code: 'ERR_YUBIHSM_REPLY_LOST' });
  await request;
  peer.resetAndDestroy();
  await lost;
});

test('a connection that is disposed loses the answer that is under way, whatever of it is here', async () => {
  const { connection, peer } = await pair();
  const asked = connection.exchange(REQUEST, LIMITS);
  const lost = expect(asked).rejects.toMatchObject({ code: 'ERR_YUBIHSM_REPLY_LOST' });
  await answer(peer, 'HTTP/1.1 200 OK\r\n\r\nA');
  connection[Symbol.dispose]();
  await lost;
});
