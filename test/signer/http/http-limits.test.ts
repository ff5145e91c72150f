import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { systemClock } from '@privval/proto/runtime/clock';
import { silentLogger } from '@privval/proto/runtime/logger';
import { startAdminServer } from '@privval/signer/http/admin-server';
import { HTTP_LIMITS, type HttpLimits } from '@privval/signer/http/http-limits';
import { describe, expect, test } from 'vitest';
import { FakeOperations } from '../../harness/fake-operations.ts';
import { ScratchFolder } from '../../harness/scratch-folder.ts';

const TEN_MIB = 10_485_760;

/** Limits of a test that waits for them: it ends when the connection does. */
const SHORT: HttpLimits = {
  ...HTTP_LIMITS,
  headersTimeoutMs: 60,
  requestTimeoutMs: 90,
  keepAliveTimeoutMs: 60,
  checkIntervalMs: 20,
};

async function rig(folder: ScratchFolder, limits: HttpLimits = HTTP_LIMITS) {
  const socketPath = folder.join('admin.sock');
  const operations = new FakeOperations();
  const server = await startAdminServer(
    { operations, clock: systemClock, logger: silentLogger },
    { socketPath, version: '1.2.3', limits },
  );
  const open = async (): Promise<Socket & { readonly answer: () => string }> => {
    const socket = connect(socketPath);
    const parts: string[] = [];
    socket.on('data', (chunk) => parts.push(String(chunk)));
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    return Object.assign(socket, { answer: () => parts.join('') });
  };
  return { server, operations, open };
}

/** A connection that was ended takes nothing more either. */
async function drained(socket: Socket): Promise<void> {
  await once(socket, 'drain').catch(() => undefined);
}

const POST =
  'POST /v1/validators/main/freeze HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';

describe('a body of 10 MiB', () => {
  test('is refused by its length, before a byte of it is read', async () => {
    using folder = new ScratchFolder();
    const { server, operations, open } = await rig(folder);
    await using _ = server;
    const socket = await open();
    const closed = once(socket, 'close');
    socket.write(`${POST}Content-Length: ${TEN_MIB}\r\n\r\n`);
    await closed;
    expect(socket.answer()).toMatch(/^HTTP\/1.1 413 /);
    expect(socket.answer()).toContain('ERR_ADMIN_REQUEST');
    expect(operations.calls).toEqual([]);
  });

  test('is refused by its count when it comes in chunks, and the connection ends', async () => {
    using folder = new ScratchFolder();
    const { server, operations, open } = await rig(folder);
    await using _ = server;
    const socket = await open();
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.write(`${POST}Transfer-Encoding: chunked\r\n\r\n`);
    const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`;
    let sent = 0;
    while (sent < TEN_MIB && socket.writable) {
      sent += 0x4000;
      if (!socket.write(chunk)) await Promise.race([drained(socket), closed]);
    }
    await closed;
    expect(socket.answer()).toMatch(/^HTTP\/1.1 413 /);
    // What the kernel took on its way and no more: nobody read the rest.
    expect(sent).toBeLessThan(TEN_MIB);
    expect(operations.calls).toEqual([]);
  });

  test('to a resource that is not there is not read either', async () => {
    using folder = new ScratchFolder();
    const { server, open } = await rig(folder);
    await using _ = server;
    const socket = await open();
    const closed = once(socket, 'close');
    socket.write(`POST /v1/nothing HTTP/1.1\r\nHost: x\r\nContent-Length: ${TEN_MIB}\r\n\r\n`);
    await closed;
    expect(socket.answer()).toMatch(/^HTTP\/1.1 4\d\d /);
  });
});

describe('a connection', () => {
  test.each([
    ['that sends nothing', ''],
    ['whose headers never end', 'GET /v1/status HTTP/1.1\r\nHost: x\r\nX-A: 1\r\n'],
    ['whose body never ends', `${POST}Content-Length: 100\r\n\r\n{`],
  ])('%s is ended', async (_what, text) => {
    using folder = new ScratchFolder();
    const { server, operations, open } = await rig(folder, SHORT);
    await using _ = server;
    const socket = await open();
    const closed = once(socket, 'close');
    if (text !== '') socket.write(text);
    await closed;
    expect(socket.answer()).not.toContain('200');
    expect(operations.calls).toEqual([]);
  });

  test('over the limit of connections is closed as it comes, and others are answered', async () => {
    using folder = new ScratchFolder();
    const { server, open } = await rig(folder, { ...HTTP_LIMITS, maxConnections: 2 });
    await using _ = server;
    const first = await open();
    const second = await open();
    const third = await open();
    await once(third, 'close');
    second.write('GET /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    await once(second, 'close');
    expect(second.answer()).toMatch(/^HTTP\/1.1 200 /);
    first.destroy();
  });

  test.each([
    ['that is no HTTP', 'SSH-2.0-OpenSSH_9.9\r\n\r\n', 400],
    [
      'with headers of 64 KiB',
      `GET / HTTP/1.1\r\nHost: x\r\nX-A: ${'a'.repeat(65_536)}\r\n\r\n`,
      431,
    ],
    ['with two lengths', `${POST}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`, 400],
    [
      'with a length and chunks',
      `${POST}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
    ],
    ['without a Host', 'GET /v1/status HTTP/1.1\r\n\r\n', 400],
    ['with a space in its path', 'GET /v1/a b HTTP/1.1\r\nHost: x\r\n\r\n', 400],
  ])('%s is answered with a problem, and ended', async (_what, text, status) => {
    using folder = new ScratchFolder();
    const { server, open } = await rig(folder);
    await using _ = server;
    const socket = await open();
    const closed = once(socket, 'close');
    socket.write(text);
    await closed;
    expect(socket.answer()).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });

  test('that asks for another protocol is answered in this one', async () => {
    using folder = new ScratchFolder();
    const { server, open } = await rig(folder);
    await using _ = server;
    const socket = await open();
    const closed = once(socket, 'close');
    socket.write(
      'GET /v1/state HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n',
    );
    await closed;
    expect(socket.answer()).toMatch(/^HTTP\/1.1 200 /);
  });
});
