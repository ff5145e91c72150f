import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { Connector } from 'yubihsm/connector/connector';
import { HttpConnector, type HttpConnectorOptions } from 'yubihsm/connector/http-connector';
import { ManualClock } from '../../harness/manual-clock.ts';
import { type Script, type ScriptedConnector, scriptedConnector } from './scripted-connector.ts';
import { TEST_CERTIFICATE, TEST_CERTIFICATE_KEY } from './test-certificate.ts';

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text);

/** A frame that is no CreateSession, and a reply to it. */
const FRAME = hex('01000141');
const REPLY = hex('81000141');

let cleanup = new AsyncDisposableStack();
afterEach(async () => {
  await cleanup.disposeAsync();
  cleanup = new AsyncDisposableStack();
});

/** Our connector before one that follows `script`. */
async function facing(
  script: Script,
  options: Partial<HttpConnectorOptions> = {},
): Promise<{ connector: HttpConnector; server: ScriptedConnector; clock: ManualClock }> {
  const server = cleanup.use(await scriptedConnector(script));
  const clock = new ManualClock();
  const connector = cleanup.use(HttpConnector.open({ clock }, { url: server.url, ...options }));
  return { connector, server, clock };
}

/** A TCP server that does with each connection what the test says. */
async function tcpServer(onSocket: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanup.defer(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

const coded = (code: string, mayHaveRun: boolean, fields: object = {}): unknown =>
  expect.objectContaining({ code: `ERR_YUBIHSM_${code}`, mayHaveRun, ...fields });

describe('a frame over HTTP', () => {
  test('is posted with its length, never chunked, and its answer comes back', async () => {
    const { connector, server } = await facing((request) => request.reply(200, REPLY));
    expect(await connector.transceive(FRAME)).toEqual(REPLY);
    const [request] = server.requests;
    expect(request).toMatchObject({ method: 'POST', path: '/connector/api', body: FRAME });
    expect(request?.headers).toMatchObject({
      'content-length': '4',
      'content-type': 'application/octet-stream',
      host: server.url.slice('http://'.length),
    });
    expect(request?.headers).not.toHaveProperty('transfer-encoding');
    expect(connector.name).toBe(server.url);
  });

  test('of the greatest length goes there and back', async () => {
    const frame = hex(`050c3d${'ab'.repeat(0xc3d)}`);
    const { connector } = await facing((request) => request.reply(200, request.body));
    expect(await connector.transceive(frame)).toEqual(frame);
  });

  test("a device's error is an answer", async () => {
    const { connector } = await facing((request) => request.reply(200, hex('7f000103')));
    expect(await connector.transceive(FRAME)).toEqual(hex('7f000103'));
  });

  test.each([
    [500, coded('NO_DEVICE', true, { remedy: 'wait' })],
    [400, coded('HTTP_STATUS', false, { status: 400, remedy: 'repair' })],
    [403, coded('HTTP_STATUS', false, { status: 403, message: expect.stringMatching(/Host/) })],
    [404, coded('HTTP_STATUS', false, { status: 404 })],
    [204, coded('HTTP_STATUS', true, { status: 204 })],
    [301, coded('HTTP_STATUS', true, { status: 301 })],
    [502, coded('HTTP_STATUS', true, { status: 502, remedy: 'wait' })],
  ])('HTTP %i is an error of its own kind', async (status, error) => {
    const { connector } = await facing((request) => request.reply(status, 'words\n'));
    await expect(connector.transceive(FRAME)).rejects.toEqual(error);
  });

  test.each([
    ['nothing', ''],
    ['half a header', '8100'],
    ['a frame that is cut', '810001'],
    ['a frame with a byte too many', '8100014100'],
    ['two frames', '8100014181000141'],
  ])('an answer that is %s is garbage', async (_, body) => {
    const { connector } = await facing((request) => request.reply(200, hex(body)));
    await expect(connector.transceive(FRAME)).rejects.toEqual(coded('GARBAGE_REPLY', true));
  });

  test.each([
    ['not HTTP', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['HTTP with a broken header', 'HTTP/1.1 200 OK\r\nContent-Length: four\r\n\r\n'],
    ['a header without end', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}`],
  ])('an answer that is %s is garbage', async (_, bytes) => {
    const { connector } = await facing((request) => request.raw(bytes));
    await expect(connector.transceive(FRAME)).rejects.toEqual(coded('GARBAGE_REPLY', true));
  });

  test.each([
    ['says so before', `HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(3_200)}`],
    [
      'is chunked',
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n${'x'.repeat(3_200)}`,
    ],
  ])('an answer longer than any frame, which %s, is not read to its end', async (_, bytes) => {
    const { connector, server } = await facing((request) => request.raw(bytes));
    await expect(connector.transceive(FRAME)).rejects.toEqual(coded('OVERSIZE_REPLY', true));
    await server.untilNoConnections();
  });

  test.each([
    ['before it answers', ''],
    ['in the header', 'HTTP/1.1 200 OK\r\nContent-Le'],
    ['before the body', 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n'],
    ['in the body', 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\x01\x02'],
  ])('a connection that ends %s loses the answer', async (_, bytes) => {
    const { connector } = await facing((request) => {
      if (bytes !== '') request.raw(bytes);
      request.close();
    });
    await expect(connector.transceive(FRAME)).rejects.toEqual(
      coded('REPLY_LOST', true, { usedKeptConnection: false, remedy: 'wait' }),
    );
  });

  test('a connection that is reset loses the answer', async () => {
    const port = await tcpServer((socket) => socket.once('data', () => socket.resetAndDestroy()));
    const connector = cleanup.use(HttpConnector.open({}, { url: `http://127.0.0.1:${port}` }));
    await expect(connector.transceive(FRAME)).rejects.toEqual(
      coded('REPLY_LOST', true, { cause: expect.objectContaining({ code: 'ECONNRESET' }) }),
    );
  });
});

describe('a connector that is not there', () => {
  test('is unreachable, and the device has not seen the frame', async () => {
    const server = await scriptedConnector(() => undefined);
    await server[Symbol.asyncDispose]();
    const connector = cleanup.use(HttpConnector.open({}, { url: server.url }));
    await expect(connector.transceive(FRAME)).rejects.toEqual(
      coded('CONNECTOR_UNREACHABLE', false, {
        remedy: 'wait',
        message: expect.stringMatching(/ECONNREFUSED/),
      }),
    );
    await expect(connector.status()).rejects.toEqual(coded('CONNECTOR_UNREACHABLE', false));
  });

  test('is unreachable when no connection comes about in time', async () => {
    // A TCP connection without the TLS that was asked for stands for a machine that is off.
    const port = await tcpServer(() => undefined);
    const clock = new ManualClock();
    const url = `https://127.0.0.1:${port}`;
    const connector = cleanup.use(HttpConnector.open({ clock }, { url, connectTimeoutMs: 700 }));
    const result = expect(connector.transceive(FRAME)).rejects.toEqual(
      coded('CONNECTOR_UNREACHABLE', false, { message: expect.stringMatching(/700 ms/) }),
    );
    await clock.untilPending();
    await clock.advance(700);
    await result;
    expect(clock.pending).toBe(0);
  });
});

describe('waiting', () => {
  test('ends at the request time-out, and the connection with it', async () => {
    const { connector, server, clock } = await facing(() => undefined, { requestTimeoutMs: 900 });
    const result = expect(connector.transceive(FRAME)).rejects.toEqual(
      coded('CONNECTOR_TIMEOUT', true, { limitMs: 900 }),
    );
    await server.untilRequests(1);
    await clock.advance(899);
    expect(server.connections).toBe(1);
    await clock.advance(1);
    await result;
    await server.untilNoConnections();
    expect(clock.pending).toBe(0);
  });

  test('for an answer that trickles ends there too', async () => {
    const { connector, server, clock } = await facing(
      (request) => request.raw('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\x01'),
      { requestTimeoutMs: 900 },
    );
    const result = expect(connector.transceive(FRAME)).rejects.toEqual(
      coded('CONNECTOR_TIMEOUT', true),
    );
    await server.untilRequests(1);
    await clock.advance(900);
    await result;
  });

  test('ends with its caller, and a late answer goes to nobody else', async () => {
    const { connector, server } = await facing((request) => {
      if (server.requests.length > 1) request.reply(200, hex('81000142'));
    });
    const caller = new AbortController();
    const reason = new Error('no longer wanted');
    const first = connector.transceive(FRAME, { signal: caller.signal });
    await server.untilRequests(1);
    caller.abort(reason);
    await expect(first).rejects.toBe(reason);
    server.requests[0]?.reply(200, REPLY);
    expect(await connector.transceive(FRAME)).toEqual(hex('81000142'));
    expect(server.requests[1]?.connection).toBe(2);
  });

  test('does not begin for a caller that has gone', async () => {
    const { connector, server } = await facing((request) => request.reply(200, REPLY));
    const reason = new Error('gone');
    const signal = AbortSignal.abort(reason);
    await expect(connector.transceive(FRAME, { signal })).rejects.toBe(reason);
    await expect(connector.status({ signal })).rejects.toBe(reason);
    expect(server.requests).toEqual([]);
  });

  test('is in line: one frame at a time, in order, and not more than 64 behind it', async () => {
    const { connector, server } = await facing(() => undefined);
    const frames = Array.from({ length: 65 }, (_, index) =>
      hex(`010001${(index + 16).toString(16)}`),
    );
    const answers = frames.map((frame) => connector.transceive(frame));
    await expect(connector.transceive(FRAME)).rejects.toEqual(coded('CONNECTOR_BUSY', false));
    for (const [index, frame] of frames.entries()) {
      await server.untilRequests(index + 1);
      expect(server.requests).toHaveLength(index + 1);
      expect(server.requests[index]?.body).toEqual(frame);
      server.requests[index]?.reply(200, frame);
      expect(await answers[index]).toEqual(frame);
    }
  });

  test('in line ends with its caller too, and then the frame is never sent', async () => {
    const { connector, server } = await facing(() => undefined);
    const first = connector.transceive(FRAME);
    const caller = new AbortController();
    const second = connector.transceive(hex('01000142'), { signal: caller.signal });
    const third = connector.transceive(hex('01000143'));
    caller.abort(new Error('gone'));
    await expect(second).rejects.toThrow('gone');
    await server.untilRequests(1);
    server.requests[0]?.reply(200, REPLY);
    await first;
    await server.untilRequests(2);
    server.requests[1]?.reply(200, REPLY);
    await third;
    expect(server.requests.map(({ body }) => body.at(-1))).toEqual([0x41, 0x43]);
  });
});

describe('the connection', () => {
  test('is kept between frames', async () => {
    const { connector, server, clock } = await facing((request) => request.reply(200, REPLY));
    for (let i = 0; i < 3; i++) {
      await connector.transceive(FRAME);
      await clock.advance(1_999);
    }
    expect(server.requests.map(({ connection }) => connection)).toEqual([1, 1, 1]);
  });

  test('is not used again after 2 s: connectors close theirs after 5', async () => {
    const { connector, server, clock } = await facing((request) => request.reply(200, REPLY));
    await connector.transceive(FRAME);
    await clock.advance(2_000);
    await connector.transceive(FRAME);
    expect(server.requests.map(({ connection }) => connection)).toEqual([1, 2]);
  });

  test('is a new one for each new session', async () => {
    const { connector, server } = await facing((request) => request.reply(200, REPLY));
    await connector.transceive(FRAME);
    await connector.transceive(hex('030000'));
    await connector.transceive(hex('040000'));
    expect(server.requests.map(({ connection }) => connection)).toEqual([1, 2, 2]);
  });

  test('is not used for as long as that when the connector says that it will close it', async () => {
    const head = 'HTTP/1.1 200 OK\r\nKeep-Alive: timeout=2\r\nContent-Length: 4\r\n\r\n';
    const { connector, server, clock } = await facing((request) =>
      request.raw(Buffer.concat([Buffer.from(head), REPLY])),
    );
    await connector.transceive(FRAME);
    await clock.advance(999);
    await connector.transceive(FRAME);
    await clock.advance(1_000);
    await connector.transceive(FRAME);
    expect(server.connections).toBe(2);
  });

  test('that the connector closes after its answer is not missed', async () => {
    const { connector, server } = await facing((request) => {
      request.reply(200, REPLY);
      request.close();
    });
    await connector.transceive(FRAME);
    await server.untilNoConnections();
    await connector.transceive(FRAME);
    expect(server.requests.map(({ connection }) => connection)).toEqual([1, 2]);
  });

  test('that the connector closes right behind each answer is not missed either', async () => {
    const { connector, server } = await facing((request) => {
      request.reply(200, REPLY);
      request.close();
    });
    for (let i = 0; i < 5; i++) await connector.transceive(FRAME);
    expect(server.requests.map(({ connection }) => connection)).toEqual([1, 2, 3, 4, 5]);
  });

  test('that breaks although it was kept is the last that is kept', async () => {
    const { connector, server } = await facing((request) => {
      if (server.requests.length === 2) request.close();
      else request.reply(200, REPLY);
    });
    await connector.transceive(FRAME);
    await expect(connector.transceive(FRAME)).rejects.toEqual(
      coded('REPLY_LOST', true, { usedKeptConnection: true }),
    );
    await connector.transceive(FRAME);
    await connector.transceive(FRAME);
    expect(server.requests.map(({ connection }) => connection)).toEqual([1, 1, 2, 3]);
    expect(server.requests[3]?.headers.connection).toBe('close');
  });

  test('with an answer too many on it does not reach into a new session', async () => {
    const { connector, server } = await facing((request) => {
      if (server.requests.length === 1) {
        request.raw('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\x81\x00\x01A');
        request.raw('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\x83\x00\x01X');
      } else request.reply(200, hex('83000142'));
    });
    // What was sent twice: the first is taken, or both are distrusted. Either way:
    await connector.transceive(FRAME).catch(() => undefined);
    expect(await connector.transceive(hex('030000'))).toEqual(hex('83000142'));
  });

  test('may be encrypted, by a certificate that was named', async () => {
    const server = cleanup.use(
      await scriptedConnector((request) => request.reply(200, REPLY), {
        tls: { cert: TEST_CERTIFICATE, key: TEST_CERTIFICATE_KEY },
      }),
    );
    const trusting = HttpConnector.open({}, { url: server.url, ca: TEST_CERTIFICATE });
    cleanup.use(trusting);
    for (let i = 0; i < 2; i++) expect(await trusting.transceive(FRAME)).toEqual(REPLY);
    expect(server.connections).toBe(1);
    const other = cleanup.use(HttpConnector.open({}, { url: server.url }));
    await expect(other.transceive(FRAME)).rejects.toEqual(coded('CONNECTOR_UNREACHABLE', false));
    expect(server.requests).toHaveLength(2);
  });
});

describe('status', () => {
  const OK = 'status=OK\nserial=*\nversion=3.0.7\npid=412\naddress=\nport=12345\n';

  test('is asked for by itself, also while a frame is under way', async () => {
    const { connector, server } = await facing((request) => {
      if (request.method === 'GET') request.reply(200, OK);
    });
    const frame = connector.transceive(FRAME);
    await server.untilRequests(1);
    expect(await connector.status()).toMatchObject({
      hasDevice: true,
      serial: '*',
      version: '3.0.7',
    });
    expect(server.requests[1]).toMatchObject({ path: '/connector/status', body: new Uint8Array() });
    server.requests[0]?.reply(200, REPLY);
    await frame;
  });

  test.each([
    ['a refusal', 403, OK, 'HTTP_STATUS'],
    ['an error', 500, OK, 'HTTP_STATUS'],
    ['another text', 200, '<html>', 'MALFORMED_STATUS'],
    ['more than six lines can have', 200, 'x'.repeat(5_000), 'OVERSIZE_REPLY'],
  ])('that is %s is an error', async (_, status, text, code) => {
    const { connector } = await facing((request) => request.reply(status, text));
    await expect(connector.status()).rejects.toMatchObject({ code: `ERR_YUBIHSM_${code}` });
  });
});

describe('closing', () => {
  test('ends what is under way and what waits, and nothing is sent after it', async () => {
    const { connector, server } = await facing(() => undefined);
    const underWay = expect(connector.transceive(FRAME)).rejects.toEqual(
      coded('CONNECTOR_CLOSED', true),
    );
    const waiting = expect(connector.transceive(FRAME)).rejects.toMatchObject({
      code: 'ERR_YUBIHSM_CONNECTOR_CLOSED',
    });
    await server.untilRequests(1);
    await connector[Symbol.asyncDispose]();
    await underWay;
    await waiting;
    const closed: Connector = connector;
    await expect(closed.transceive(FRAME)).rejects.toEqual(coded('CONNECTOR_CLOSED', false));
    await expect(closed.status()).rejects.toEqual(coded('CONNECTOR_CLOSED', false));
    await server.untilNoConnections();
    expect(server.requests).toHaveLength(1);
  });
});
