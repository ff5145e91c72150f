import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dialSocket, socketStream } from '@privval/proto/runtime/socket-stream';
import { describe, expect, test } from 'vitest';

interface Listener extends AsyncDisposable {
  readonly port: number;
  /** The next connection made to it. */
  accept(): Promise<Socket>;
}

async function listen(): Promise<Listener> {
  const server: Server = createServer({ allowHalfOpen: true });
  const sockets: Socket[] = [];
  const waiting: ((socket: Socket) => void)[] = [];
  const all: Socket[] = [];
  server.on('connection', (socket) => {
    all.push(socket);
    socket.on('error', () => undefined);
    const next = waiting.shift();
    if (next === undefined) sockets.push(socket);
    else next(socket);
  });
  const listening = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', listening.resolve);
  await listening.promise;
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    async accept() {
      return sockets.shift() ?? (await new Promise((resolve) => waiting.push(resolve)));
    },
    async [Symbol.asyncDispose]() {
      for (const socket of all) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Sockets and servers this process has open: what a leak would add to. */
function openHandles(): number {
  return process.getActiveResourcesInfo().filter((kind) => /TCP|Pipe|Socket/.test(kind)).length;
}

describe('dialSocket', () => {
  test('rejects with ERR_DIAL_FAILED and the reason of the system, and leaves no socket behind', async () => {
    const { port } = await (async () => {
      await using listener = await listen();
      return { port: listener.port };
    })();
    const before = openHandles();
    await expect(dialSocket({ host: '127.0.0.1', port })).rejects.toMatchObject({
      code: 'ERR_DIAL_FAILED',
      remote: `127.0.0.1:${port}`,
      cause: { code: 'ECONNREFUSED' },
    });
    const folder = await mkdtemp(join(tmpdir(), 'privval-test-'));
    const path = join(folder, 'none');
    await expect(dialSocket({ path })).rejects.toMatchObject({
      code: 'ERR_DIAL_FAILED',
      remote: path,
      cause: { code: 'ENOENT' },
    });
    await rm(folder, { recursive: true });
    expect(openHandles()).toBeLessThanOrEqual(before);
  });

  test('ends with the reason of the abort, before and while it connects, and leaves no socket behind', async () => {
    await using listener = await listen();
    const target = { host: '127.0.0.1', port: listener.port };
    const reason = new Error('stopping');
    const before = openHandles();
    await expect(dialSocket(target, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const dialing = dialSocket(target, { signal: controller.signal });
    controller.abort(reason);
    await expect(dialing).rejects.toBe(reason);
    expect(openHandles()).toBeLessThanOrEqual(before);
  });

  test('names the other end as host and port', async () => {
    await using listener = await listen();
    await using stream = await dialSocket({ host: '127.0.0.1', port: listener.port });
    expect(stream.remote).toBe(`127.0.0.1:${listener.port}`);
    const accepted = socketStream(await listener.accept());
    expect(accepted.remote).toMatch(/^127\.0\.0\.1:\d+$/);
    await accepted[Symbol.asyncDispose]();
  });
});

describe('a socket stream', () => {
  test('rejects with ERR_STREAM_BROKEN after a reset, once what came before it is read', async () => {
    await using listener = await listen();
    await using stream = await dialSocket({ host: '127.0.0.1', port: listener.port });
    const peer = await listener.accept();
    peer.write(Uint8Array.of(1, 2));
    await new Promise((resolve) => peer.once('drain', resolve).write(new Uint8Array(1), resolve));
    expect((await stream.read())?.[0]).toBe(1);
    const broken = expect(drain(() => stream.read())).rejects.toMatchObject({
      code: 'ERR_STREAM_BROKEN',
      cause: { code: 'ECONNRESET' },
    });
    peer.resetAndDestroy();
    await broken;
    await expect(stream.write(Uint8Array.of(1))).rejects.toMatchObject({
      code: 'ERR_STREAM_BROKEN',
    });
  });

  test('can still write to a peer that has finished sending', async () => {
    await using listener = await listen();
    await using stream = await dialSocket({ host: '127.0.0.1', port: listener.port });
    const peer = await listener.accept();
    peer.end();
    expect(await stream.read()).toBeUndefined();
    await stream.write(Uint8Array.of(7));
    const [byte] = await new Promise<Uint8Array>((resolve) => peer.once('data', resolve));
    expect(byte).toBe(7);
  });

  test('stops taking bytes from a peer when nobody reads, and goes on when somebody does', async () => {
    await using listener = await listen();
    const socket = createConnection({ host: '127.0.0.1', port: listener.port });
    await new Promise((resolve) => socket.once('connect', resolve));
    await using stream = socketStream(socket);
    const peer = await listener.accept();
    const total = 32 * 1024 * 1024;
    peer.write(new Uint8Array(total));
    let before = -1;
    while (socket.bytesRead !== before || before === 0) {
      before = socket.bytesRead;
      for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
    }
    // High-water mark, and the chunk that reached it.
    expect(before).toBeLessThan(512 * 1024);
    let received = 0;
    while (received < total) received += (await stream.read())?.length ?? Number.NaN;
    expect(received).toBe(total);
  });

  test('counts what single bytes cost to hold, not only the bytes', async () => {
    await using listener = await listen();
    const socket = createConnection({ host: '127.0.0.1', port: listener.port });
    await new Promise((resolve) => socket.once('connect', resolve));
    await using stream = socketStream(socket);
    const total = 5000;
    // As if each byte came in a segment of its own.
    for (let i = 0; i < total; i++) socket.emit('data', Buffer.of(i & 0xff));
    expect(socket.isPaused()).toBe(true);
    for (let i = 0; i < total; i++) expect(await stream.read()).toEqual(Uint8Array.of(i & 0xff));
    expect(socket.isPaused()).toBe(false);
  });

  test('gives plain Uint8Arrays, not Buffers', async () => {
    await using listener = await listen();
    await using stream = await dialSocket({ host: '127.0.0.1', port: listener.port });
    (await listener.accept()).write(Uint8Array.of(1));
    const chunk = await stream.read();
    expect(Object.getPrototypeOf(chunk)).toBe(Uint8Array.prototype);
  });

  test('is really closed when its dispose resolves, twice asked as well', async () => {
    await using listener = await listen();
    const socket = createConnection({ host: '127.0.0.1', port: listener.port });
    await new Promise((resolve) => socket.once('connect', resolve));
    const stream = socketStream(socket);
    const log: string[] = [];
    socket.once('close', () => log.push('closed'));
    await Promise.all(
      [1, 2].map(async () => {
        await stream[Symbol.asyncDispose]();
        log.push('disposed');
      }),
    );
    expect(log).toEqual(['closed', 'disposed', 'disposed']);
  });

  test('is broken at once when made of a socket that is closed already', async () => {
    await using listener = await listen();
    const socket = createConnection({ host: '127.0.0.1', port: listener.port });
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.destroy();
    await using stream = socketStream(socket);
    await expect(stream.read()).rejects.toMatchObject({ code: 'ERR_STREAM_BROKEN' });
    await expect(stream.write(Uint8Array.of(1))).rejects.toMatchObject({
      code: 'ERR_STREAM_BROKEN',
    });
  });
});

async function drain(read: () => Promise<Uint8Array | undefined>): Promise<void> {
  while ((await read()) !== undefined);
}
