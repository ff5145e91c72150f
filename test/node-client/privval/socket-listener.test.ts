import { chmodSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { listenSocket } from '@privval/node-client/privval/socket-listener';
import { dialSocket } from '@privval/proto/runtime/socket-stream';
import { describe, expect, test } from 'vitest';
import { ScratchFolder } from '../../harness/scratch-folder.ts';

describe('a Unix socket', () => {
  test('is made with mode 0600 and carries bytes', async () => {
    using folder = new ScratchFolder();
    const path = folder.join('privval.sock');
    await using listener = await listenSocket({ path });
    expect(listener.local).toBe(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await using dialed = await dialSocket({ path });
    await using accepted = await listener.accept();
    expect(accepted.remote).toBe(path);
    await dialed.write(Uint8Array.of(1, 2));
    expect(await accepted.read()).toEqual(Uint8Array.of(1, 2));
  });

  test('that a dead process left behind is replaced', async () => {
    using folder = new ScratchFolder();
    const path = folder.join('privval.sock');
    await leaveSocketBehind(path);
    await using listener = await listenSocket({ path });
    await using _dialed = await dialSocket({ path });
    await using _accepted = await listener.accept();
  });

  test('that somebody answers on is left alone', async () => {
    using folder = new ScratchFolder();
    const path = folder.join('privval.sock');
    await using first = await listenSocket({ path });
    await expect(listenSocket({ path })).rejects.toMatchObject({
      code: 'ERR_LISTEN_FAILED',
      message: expect.stringContaining('another process listens there'),
    });
    await using _dialed = await dialSocket({ path });
    await using _accepted = await first.accept();
  });

  test('is not made in place of a file, in a folder that is missing or open to all, or too long', async () => {
    using folder = new ScratchFolder();
    writeFileSync(folder.join('file'), '');
    const open = new ScratchFolder();
    chmodSync(open.path, 0o777);
    const cases = [
      [folder.join('file'), 'a file that is not a socket'],
      [folder.join('missing', 'sock'), 'does not exist'],
      [open.join('sock'), 'everybody can write'],
      [folder.join('x'.repeat(108)), 'longer than 107 bytes'],
    ] as const;
    for (const [path, reason] of cases) {
      await expect(listenSocket({ path })).rejects.toMatchObject({
        code: 'ERR_LISTEN_FAILED',
        message: expect.stringContaining(reason),
      });
    }
    open[Symbol.dispose]();
  });
});

describe('a TCP port', () => {
  test('is named by the kernel when 0 is asked for, and is not taken twice', async () => {
    await using listener = await listenSocket({ host: '127.0.0.1', port: 0 });
    const port = Number(listener.local.split(':')[1]);
    expect(port).toBeGreaterThan(0);
    await expect(listenSocket({ host: '127.0.0.1', port })).rejects.toMatchObject({
      code: 'ERR_LISTEN_FAILED',
      message: expect.stringContaining('EADDRINUSE'),
    });
  });

  test('an accept that is given up loses no client', async () => {
    await using listener = await listenSocket({ host: '127.0.0.1', port: 0 });
    const controller = new AbortController();
    const accepting = listener.accept({ signal: controller.signal });
    const reason = new Error('enough');
    controller.abort(reason);
    await expect(accepting).rejects.toBe(reason);
    const port = Number(listener.local.split(':')[1]);
    await using dialed = await dialSocket({ host: '127.0.0.1', port });
    await dialed.write(Uint8Array.of(7));
    await using accepted = await listener.accept();
    expect(await accepted.read()).toEqual(Uint8Array.of(7));
  });

  test('no longer answers once disposed, and clients not yet accepted are closed', async () => {
    const listener = await listenSocket({ host: '127.0.0.1', port: 0 });
    const port = Number(listener.local.split(':')[1]);
    await using waiting = await dialSocket({ host: '127.0.0.1', port });
    const controller = new AbortController();
    // The client is known to be in the backlog once a second one was accepted after it.
    await using _first = await listener.accept({ signal: controller.signal });
    await using second = await dialSocket({ host: '127.0.0.1', port });
    await new Promise((resolve) => setImmediate(resolve));
    await listener[Symbol.asyncDispose]();
    await expect(dialSocket({ host: '127.0.0.1', port })).rejects.toMatchObject({
      code: 'ERR_DIAL_FAILED',
    });
    expect(await second.read().catch(() => undefined)).toBeUndefined();
    expect(waiting.remote).toContain(String(port));
  });
});

/** A socket file on which nobody listens, as a killed process leaves it. */
async function leaveSocketBehind(path: string): Promise<void> {
  const { linkSync, renameSync } = await import('node:fs');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  // Closing removes the path it was made at; another name of the same socket stays.
  linkSync(path, `${path}.left`);
  await new Promise<void>((resolve) => server.close(() => resolve()));
  renameSync(`${path}.left`, path);
}
