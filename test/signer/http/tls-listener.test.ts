import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { systemClock } from '@privval/proto/runtime/clock';
import { errorCode } from '@privval/proto/runtime/coded-error';
import { silentLogger } from '@privval/proto/runtime/logger';
import { certify } from '@privval/signer/home/certificate';
import type { Credential } from '@privval/signer/http/access';
import { AdminClient } from '@privval/signer/http/admin-client';
import { type AdminServer, startAdminServer } from '@privval/signer/http/admin-server';
import type { AdminTarget } from '@privval/signer/http/admin-transport';
import { printCredentials } from '@privval/signer/http/credentials-file';
import type { TcpOptions } from '@privval/signer/http/tls-listener';
import { describe, expect, test } from 'vitest';
import { FakeOperations } from '../../harness/fake-operations.ts';
import { RecordingLogger } from '../../harness/recording-logger.ts';
import { ScratchFolder } from '../../harness/scratch-folder.ts';
import { PEOPLE, type TlsFiles, tokenCredential, tokenOf, writeTlsFiles } from './admin-rig.ts';

const VALIDITY = { nowMs: Date.now(), years: 1 };

/** A client's key and certificate, and how the file of credentials names it. */
function client(files: Pick<TlsFiles, 'clients'>, name: string, role: Credential['role']) {
  const made = certify(files.clients, { ...VALIDITY, subject: name, use: 'client', hosts: [] });
  const { fingerprint256 } = new X509Certificate(made.certificate);
  const certificateSha256 = fingerprint256.replaceAll(':', '').toLowerCase();
  const credential: Credential = {
    name,
    role,
    tokenSha256: undefined,
    certificateSha256,
    expires: undefined,
  };
  return { credential, cert: made.certificate, key: made.privateKey };
}

interface Started extends AsyncDisposable {
  readonly server: AdminServer;
  readonly operations: FakeOperations;
  readonly logger: RecordingLogger;
  readonly files: TlsFiles;
  readonly url: string;
  ask(target?: Partial<Exclude<AdminTarget, { readonly socketPath: string }>>): Promise<string>;
}

/** A listener on a port of its own, with `people` in its file of credentials. */
async function started(
  change: {
    readonly people?: (files: TlsFiles) => readonly Credential[];
    readonly tcp?: (tcp: TcpOptions) => TcpOptions;
    readonly files?: (files: TlsFiles, folder: ScratchFolder) => TlsFiles;
  } = {},
): Promise<Started> {
  const folder = new ScratchFolder();
  const made = writeTlsFiles(folder);
  const files = change.files?.(made, folder) ?? made;
  const credentialsFile = folder.join('admin-credentials.toml');
  writeFileSync(credentialsFile, printCredentials(change.people?.(files) ?? PEOPLE), {
    mode: 0o600,
  });
  const operations = new FakeOperations();
  const logger = new RecordingLogger();
  const { certFile, keyFile, clientCaFile } = files;
  const tcp: TcpOptions = {
    host: '127.0.0.1',
    port: 0,
    certFile,
    keyFile,
    clientCaFile,
    credentialsFile,
  };
  const server = await startAdminServer(
    { operations, clock: systemClock, logger },
    { socketPath: folder.join('admin.sock'), version: '1.2.3', tcp: change.tcp?.(tcp) ?? tcp },
  );
  const url = `https://127.0.0.1:${server.tcp?.port ?? 0}`;
  return {
    server,
    operations,
    logger,
    files,
    url,
    async ask(target = {}) {
      const asking = new AdminClient({ clock: systemClock }, { url, ca: files.ca, ...target });
      try {
        await asking.status();
        return 'answered';
      } catch (error) {
        return errorCode(error);
      }
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

/** Sends bytes as they are. @returns all that came back, until the end */
async function raw(
  url: string,
  text: string,
  options: { readonly ca?: string; readonly isPlain?: boolean } = {},
): Promise<string> {
  const { hostname: host, port } = new URL(url);
  const socket = options.isPlain
    ? connect({ host, port: Number(port) })
    : connectTls({ host, port: Number(port), ca: options.ca, servername: 'localhost' });
  const parts: string[] = [];
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => parts.push(chunk.toString('latin1')));
  const closed = once(socket, 'close');
  await once(socket, options.isPlain ? 'connect' : 'secureConnect').catch(() => undefined);
  socket.write(text);
  await closed;
  return parts.join('');
}

describe('the admin API over TCP', () => {
  test('answers who has a token, in the role the file gives', async () => {
    await using rig = await started();
    expect(await rig.ask({ token: tokenOf('vera') })).toBe('answered');
    const vera = new AdminClient(
      { clock: systemClock },
      { url: rig.url, ca: rig.files.ca, token: tokenOf('vera') },
    );
    await expect(vera.importState({ validator: 'main', floorHeight: 9n })).rejects.toMatchObject({
      code: 'ERR_ADMIN_FORBIDDEN',
      status: 403,
    });
  });

  test('answers who has a client certificate that the file names', async () => {
    let mine: ReturnType<typeof client> | undefined;
    await using rig = await started({
      people: (files) => {
        mine = client(files, 'panel', 'viewer');
        return [mine.credential];
      },
    });
    expect(await rig.ask({ cert: mine?.cert, key: mine?.key })).toBe('answered');
  });

  test('does not know a certificate of its authority that the file does not name', async () => {
    await using rig = await started();
    const { cert, key } = client(rig.files, 'stranger', 'operator');
    expect(await rig.ask({ cert, key })).toBe('ERR_ADMIN_UNAUTHENTICATED');
  });

  test('does not know a certificate of another authority, though the file names it', async () => {
    using other = new ScratchFolder();
    const foreign = client(writeTlsFiles(other), 'panel', 'viewer');
    await using rig = await started({ people: () => [foreign.credential, ...PEOPLE] });
    const { cert, key } = foreign;
    expect(await rig.ask({ cert, key })).toBe('ERR_ADMIN_UNAUTHENTICATED');
  });

  test.each([
    ['without a credential', undefined],
    ['with a wrong token', tokenOf('nobody')],
    ['with a token that has expired', tokenOf('late')],
  ])('refuses a request %s, and adds it up in the audit log', async (_what, token) => {
    await using rig = await started({
      people: () => [...PEOPLE, tokenCredential('late', 'operator', '2020-01-01T00:00:00Z')],
    });
    expect(await rig.ask({ token })).toBe('ERR_ADMIN_UNAUTHENTICATED');
    expect(rig.operations.audit.added).toMatchObject([
      { source: 'admin tcp', what: 'unauthenticated', code: 'ERR_ADMIN_UNAUTHENTICATED' },
    ]);
  });

  test('tells a stranger nothing about what there is', async () => {
    await using rig = await started();
    const answers = await Promise.all(
      ['/v1/status', '/v1/nothing', '/docs', '/docs/json', '/v1/%zz', '/'].map((path) =>
        raw(rig.url, `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`, {
          ca: rig.files.ca,
        }),
      ),
    );
    for (const answer of answers) {
      expect(answer).toMatch(/^HTTP\/1.1 401 /);
      expect(answer).toContain('ERR_ADMIN_UNAUTHENTICATED');
    }
  });

  test('refuses plaintext, on loopback too', async () => {
    await using rig = await started();
    const text = `GET /v1/status HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${tokenOf('vera')}\r\n\r\n`;
    expect(await raw(rig.url, text, { isPlain: true })).not.toContain('HTTP/1.1 200');
    expect(rig.operations.audit.added).toEqual([]);
  });

  test('refuses TLS 1.2', async () => {
    await using rig = await started();
    const { hostname: host, port } = new URL(rig.url);
    const socket = connectTls({
      host,
      port: Number(port),
      ca: rig.files.ca,
      maxVersion: 'TLSv1.2',
    });
    const [error] = await once(socket, 'error');
    expect(String(error)).toMatch(/protocol version|alert/i);
  });

  test.each([
    ['localhost', 200],
    ['LOCALHOST:443', 200],
    ['127.0.0.1', 200],
    ['evil.example', 421],
    ['127.0.0.2', 421],
    ['localhost.evil.example', 421],
    ['localhost@evil.example', 421],
    ['', 421],
  ])('with the Host %j answers %i', async (host, status) => {
    await using rig = await started();
    const text = `GET /v1/status HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${tokenOf('vera')}\r\nConnection: close\r\n\r\n`;
    const answer = await raw(rig.url, text, { ca: rig.files.ca });
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    if (status === 421) expect(answer).toContain('ERR_ADMIN_HOST');
  });
});

describe('a TCP listener that would let anybody in, or nobody', () => {
  test.each<[string, (tcp: TcpOptions) => TcpOptions, readonly Credential[], string]>([
    [
      'without a file of credentials',
      (tcp) => ({ ...tcp, credentialsFile: undefined }),
      PEOPLE,
      'ERR_ADMIN_TCP_UNPROTECTED',
    ],
    [
      'with neither an authority nor a token',
      (tcp) => ({ ...tcp, clientCaFile: undefined }),
      [],
      'ERR_ADMIN_TCP_UNPROTECTED',
    ],
    [
      'without its certificate',
      (tcp) => ({ ...tcp, certFile: '/nowhere' }),
      PEOPLE,
      'ERR_ADMIN_LISTEN',
    ],
    [
      'without its key',
      (tcp) => ({ ...tcp, keyFile: '/nowhere' }),
      PEOPLE,
      'ERR_SECRET_FILE_UNREADABLE',
    ],
    [
      'with a certificate for its key',
      (tcp) => ({ ...tcp, keyFile: tcp.certFile }),
      PEOPLE,
      'ERR_ADMIN_LISTEN',
    ],
    [
      'on an address that is not here',
      (tcp) => ({ ...tcp, host: '192.0.2.1' }),
      PEOPLE,
      'ERR_ADMIN_LISTEN',
    ],
  ])('%s does not listen; the socket does', async (_what, tcp, people, code) => {
    await using rig = await started({ tcp, people: () => people });
    expect(rig.server.tcp).toBeUndefined();
    expect(rig.server.tcpFault?.code).toBe(code);
    expect(rig.logger.named('no admin API over TCP: the socket is there')).toMatchObject([
      { level: 'error', fields: { code } },
    ]);
  });

  test('is not there at all unless it is asked for', async () => {
    using folder = new ScratchFolder();
    await using server = await startAdminServer(
      { operations: new FakeOperations(), clock: systemClock, logger: silentLogger },
      { socketPath: folder.join('admin.sock'), version: '1.2.3' },
    );
    expect([server.tcp, server.tcpFault]).toEqual([undefined, undefined]);
  });
});
