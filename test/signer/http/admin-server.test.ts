import { once } from 'node:events';
import { existsSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { systemClock } from '@privval/proto/runtime/clock';
import { errorCode } from '@privval/proto/runtime/coded-error';
import { silentLogger } from '@privval/proto/runtime/logger';
import { createAdminApp } from '@privval/signer/http/admin-app';
import { AdminClient } from '@privval/signer/http/admin-client';
import { type AdminServerDeps, startAdminServer } from '@privval/signer/http/admin-server';
import { RunningOperations, type RunningOperationsDeps } from '@privval/signer/running-operations';
import { describe, expect, test } from 'vitest';
import { FakeOperations } from '../../harness/fake-operations.ts';
import { RecordingLogger } from '../../harness/recording-logger.ts';
import { ScratchFolder } from '../../harness/scratch-folder.ts';

/** The running signer's own way of raising a floor, over a fake signer with one device. */
function adminDeps(
  change: Partial<AdminServerDeps> & { readonly status?: () => never } = {},
): AdminServerDeps {
  const { status, logger = silentLogger } = change;
  const operations: FakeOperations = new FakeOperations({
    status:
      status ??
      (() => ({
        startedAtMs: 0,
        validators: operations.store.validators().map((record) => ({
          ...record,
          fault: undefined,
          providers: [
            {
              name: 'yubihsm 0007550140 key 0x0064',
              state: 'in-service',
              isActive: true,
              fault: undefined,
              sinceMs: 0,
            },
          ],
          floor: operations.store.floor(record.name),
          nodes: [],
          grpc: undefined,
        })),
      })),
  });
  const { store, nodes, rotations } = operations;
  const running = new RunningOperations(
    {
      signer: { store } as unknown as RunningOperationsDeps['signer'],
      nodes,
      rotations,
      chainOf: () => undefined,
      tipOf: () => undefined,
      clock: systemClock,
      logger,
    },
    { home: operations.home },
  );
  operations.raiseFloor = running.raiseFloor.bind(running);
  return { operations, clock: systemClock, logger };
}

const OPTIONS = { socketPath: '/nowhere', version: '1.2.3' };

/** A server and a client of its own. */
async function connected(folder: ScratchFolder, deps = adminDeps()) {
  const socketPath = folder.join('admin.sock');
  const server = await startAdminServer(deps, { ...OPTIONS, socketPath });
  const client = new AdminClient({ clock: systemClock }, { socketPath });
  return { server, client, socketPath };
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'done',
    (error: unknown) => errorCode(error),
  );
}

interface AdminRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly payload?: object;
}

/** Fastify's answer is a thenable; this is a promise. */
async function ask(app: ReturnType<typeof createAdminApp>, request: AdminRequest) {
  return Promise.resolve(app.inject(request));
}

describe('the admin API', () => {
  test('answers what a running signer knows', async () => {
    using folder = new ScratchFolder();
    const { server, client } = await connected(folder);
    await using _ = server;
    expect(await client.state()).toEqual([
      { validator: 'main', chainId: 'chain-1', height: '5', round: 1, step: 2 },
    ]);
    expect(await client.validators()).toMatchObject([{ name: 'main', chainId: 'chain-1' }]);
    expect(await client.status()).toMatchObject({
      version: '1.2.3',
      startedAt: '1970-01-01T00:00:00.000Z',
      validators: [{ name: 'main', isInService: true, fault: null, floor: { height: '5' } }],
    });
  });

  test('tells where the keys are and how their devices do', async () => {
    using folder = new ScratchFolder();
    const { server, client } = await connected(folder);
    await using _ = server;
    const providers = [
      {
        name: 'yubihsm 0007550140 key 0x0064',
        state: 'in-service',
        isActive: true,
        fault: null,
        since: '1970-01-01T00:00:00.000Z',
      },
    ];
    expect((await client.status()).validators[0]?.providers).toEqual(providers);
    expect((await client.validators())[0]?.providers).toEqual(providers);
  });

  test('S12: marks every export stale', async () => {
    using folder = new ScratchFolder();
    const { server, client } = await connected(folder);
    await using _ = server;
    const file = JSON.parse(new TextDecoder().decode(await client.exportState('main')));
    expect(file).toMatchObject({ height: '5', round: 1, step: 2, stale: expect.any(String) });
  });

  test('S33: raises a floor only with the name as confirmation, and says so in the log', async () => {
    using folder = new ScratchFolder();
    const logger = new RecordingLogger();
    const { server, client } = await connected(folder, adminDeps({ logger }));
    await using _ = server;
    const wanted = { validator: 'main', floorHeight: 9n };
    await expect(client.importState(wanted)).rejects.toMatchObject({
      code: 'ERR_CONFIRMATION_REQUIRED',
      status: 409,
    });
    expect(await client.state()).toMatchObject([{ height: '5' }]);
    const result = await client.importState({ ...wanted, confirm: 'main' });
    expect(result).toMatchObject({ isRaised: true, after: { height: '9' } });
    expect(logger.named('the floor was raised by an operator')).toHaveLength(1);
  });

  test('S37: has no resource that takes bytes to sign', async () => {
    await using app = createAdminApp(adminDeps(), OPTIONS);
    await app.ready();
    const routes = app.printRoutes({ commonPrefix: false });
    expect(routes).not.toMatch(/sign(?!er)/);
    for (const url of ['/v1/sign', '/v1/validators/main/sign']) {
      const answer = await ask(app, { method: 'POST', url, payload: { bytes: 'AA==' } });
      expect(answer.statusCode).toBe(404);
    }
  });

  test.each([
    [
      'an unknown validator',
      'GET',
      '/v1/validators/x/state-file',
      undefined,
      404,
      'ERR_UNKNOWN_VALIDATOR',
    ],
    ['an unknown resource', 'GET', '/v1/nothing', undefined, 404, 'ERR_ADMIN_NOT_FOUND'],
    [
      'a path trick',
      'GET',
      '/v1/validators/%2e%2e%2fmain/state-file',
      undefined,
      404,
      'ERR_UNKNOWN_VALIDATOR',
    ],
    ['an empty body', 'POST', '/v1/validators/main/floor', {}, 400, 'ERR_ADMIN_REQUEST'],
    [
      'an unknown field',
      'POST',
      '/v1/validators/main/floor',
      { floorHeight: '9', force: true },
      400,
      'ERR_ADMIN_REQUEST',
    ],
    [
      'a height as a number',
      'POST',
      '/v1/validators/main/floor',
      { floorHeight: 9 },
      400,
      'ERR_ADMIN_REQUEST',
    ],
    [
      'a height that is none',
      'POST',
      '/v1/validators/main/floor',
      { floorHeight: '-9' },
      400,
      'ERR_INVALID_HEIGHT',
    ],
    [
      'a state file that is none',
      'POST',
      '/v1/validators/main/floor',
      { stateFile: '{}' },
      400,
      'ERR_STATE_FILE_MALFORMED',
    ],
    [
      'a body that is too large',
      'POST',
      '/v1/validators/main/floor',
      { stateFile: 'x'.repeat(100_000) },
      413,
      'ERR_ADMIN_REQUEST',
    ],
  ] as const)(
    'answers %s with a problem that has a code',
    async (_what, method, url, payload, status, code) => {
      const deps = adminDeps();
      await using app = createAdminApp(deps, OPTIONS);
      const answer = await ask(app, {
        method,
        url,
        ...(payload === undefined ? {} : { payload }),
      });
      expect(answer.statusCode).toBe(status);
      expect(answer.headers['content-type']).toContain('application/problem+json');
      expect(answer.json()).toMatchObject({ status, code, detail: expect.any(String) });
      expect(deps.operations.store.floor('main').height).toBe(5n);
    },
  );

  test('tells of a fault of its own that it happened, and nothing else', async () => {
    const logger = new RecordingLogger();
    const status = (): never => {
      throw new TypeError('secret detail');
    };
    await using app = createAdminApp(adminDeps({ logger, status }), OPTIONS);
    const answer = await ask(app, { method: 'GET', url: '/v1/status' });
    expect(answer.statusCode).toBe(500);
    expect(answer.body).not.toContain('secret detail');
    expect(logger.named('an admin request failed')).toHaveLength(1);
  });
});

describe('admin.sock', () => {
  test('S16: is for this user alone from the moment it is there', async () => {
    using folder = new ScratchFolder();
    const umask = process.umask(0o022);
    try {
      const { server, socketPath } = await connected(folder);
      await using _ = server;
      expect(statSync(socketPath).mode & 0o777).toBe(0o600);
      expect(process.umask()).toBe(0o022);
    } finally {
      process.umask(umask);
    }
  });

  test('S16: takes the place of a stale socket, and is gone after the close', async () => {
    using folder = new ScratchFolder();
    const path = folder.join('admin.sock');
    const stale = createServer().listen(path);
    await once(stale, 'listening');
    // Under another name the close of its listener does not find the file.
    renameSync(path, folder.join('kept'));
    stale.close();
    renameSync(folder.join('kept'), path);
    const { server, client } = await connected(folder);
    expect(await client.state()).toHaveLength(1);
    await server[Symbol.asyncDispose]();
    expect(existsSync(path)).toBe(false);
  });

  test('that is some other file is left alone, and signing goes on without it', async () => {
    using folder = new ScratchFolder();
    writeFileSync(folder.join('admin.sock'), 'mine');
    expect(await codeOf(connected(folder))).toBe('ERR_ADMIN_LISTEN');
    expect(statSync(folder.join('admin.sock')).isFile()).toBe(true);
  });

  test('closes at once, whoever is connected', async () => {
    using folder = new ScratchFolder();
    const { server, socketPath } = await connected(folder);
    const idle = connect(socketPath);
    await once(idle, 'connect');
    const closed = once(idle, 'close');
    await server[Symbol.asyncDispose]();
    await closed;
  });

  test('without anybody behind it is a coded error of the client', async () => {
    using folder = new ScratchFolder();
    const client = new AdminClient({ clock: systemClock }, { socketPath: folder.join('x.sock') });
    expect(await codeOf(client.state())).toBe('ERR_ADMIN_UNREACHABLE');
  });

  test('with something else behind it is a coded error of the client', async () => {
    using folder = new ScratchFolder();
    const socketPath = folder.join('admin.sock');
    const other = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.end('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello');
    }).listen(socketPath);
    await once(other, 'listening');
    const client = new AdminClient({ clock: systemClock }, { socketPath });
    expect(await codeOf(client.state())).toBe('ERR_ADMIN_ANSWER');
    other.close();
  });
});
