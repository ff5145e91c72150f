/** The admin API over a fake signer: what its tests ask, and as whom. */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import type { Clock } from '@privval/proto/runtime/clock';
import { systemClock } from '@privval/proto/runtime/clock';
import { silentLogger } from '@privval/proto/runtime/logger';
import { type Authority, certify, createAuthority } from '@privval/signer/home/certificate';
import type { Credential, Role } from '@privval/signer/http/access';
import { type AdminAppOptions, createAdminApp } from '@privval/signer/http/admin-app';
import { ADMIN_ROUTES, type AdminRoute } from '@privval/signer/http/admin-routes';
import { Approvals } from '@privval/signer/http/approvals';
import { Credentials } from '@privval/signer/http/credentials';
import { printCredentials } from '@privval/signer/http/credentials-file';
import { newestTime } from '@privval/signer/http/newest-time';
import { FakeOperations } from '../../harness/fake-operations.ts';
import { ScratchFolder } from '../../harness/scratch-folder.ts';
import { SqliteHomeTables } from '../../harness/sqlite-home-tables.ts';

/** 16 bytes. */
export const HOME_ID: Uint8Array = new Uint8Array(16).fill(3);

/** The token of a credential in these tests: 43 characters, made of its name. */
export function tokenOf(name: string): string {
  return createHash('sha256').update(name).digest('base64url');
}

/** A credential with that token. */
export function tokenCredential(name: string, role: Role, expires?: string): Credential {
  const tokenSha256 = createHash('sha256').update(tokenOf(name)).digest('hex');
  return { name, role, tokenSha256, certificateSha256: undefined, expires };
}

/** `Authorization` of somebody. */
export function bearer(name: string): { readonly authorization: string } {
  return { authorization: `Bearer ${tokenOf(name)}` };
}

/** Everybody there is in these tests: one of each role, and a second operator. */
export const PEOPLE: readonly Credential[] = [
  tokenCredential('vera', 'viewer'),
  tokenCredential('oscar', 'operator'),
  tokenCredential('olga', 'operator'),
  tokenCredential('ada', 'approver'),
];

/** What a rig is made with. */
export interface RigOptions {
  readonly clock?: Clock;
  readonly twoPerson?: boolean;
  readonly people?: readonly Credential[];
  readonly app?: Partial<AdminAppOptions>;
  readonly operations?: FakeOperations;
}

/** One request of a test. */
export interface RigRequest {
  readonly method: string;
  readonly url: string;
  readonly as?: string;
  readonly payload?: object | string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What came back. */
export interface RigAnswer {
  readonly status: number;
  readonly type: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: whatever JSON there is
  readonly json: any;
}

/** The application in memory, its files in a scratch folder. */
export class AdminRig implements AsyncDisposable {
  readonly folder: ScratchFolder = new ScratchFolder();
  readonly operations: FakeOperations;
  readonly tables: SqliteHomeTables;
  readonly credentialsFile: string;
  readonly app: ReturnType<typeof createAdminApp>;
  /** Limits of the requests that were refused. */
  readonly refused: string[] = [];

  constructor(options: RigOptions = {}) {
    const { clock = systemClock, twoPerson = false, people = PEOPLE } = options;
    this.operations = options.operations ?? new FakeOperations();
    this.tables = new SqliteHomeTables(this.operations.store.validators());
    this.credentialsFile = this.folder.join('admin-credentials.toml');
    this.writeCredentials(people);
    const newestTimeMs = newestTime({ clock, tables: this.tables });
    const credentials = new Credentials(
      { clock, logger: silentLogger, newestTimeMs },
      this.credentialsFile,
    );
    const approvals = new Approvals({ tables: this.tables, newestTimeMs }, { homeId: HOME_ID });
    this.app = createAdminApp(
      {
        operations: this.operations,
        clock,
        logger: silentLogger,
        credentials: () => credentials,
        approvals: twoPerson ? approvals : undefined,
        onRefused: (limit) => this.refused.push(limit),
      },
      { version: '1.2.3', verifyWaitMs: 1, ...options.app },
    );
  }

  writeCredentials(people: readonly Credential[]): void {
    writeFileSync(this.credentialsFile, printCredentials(people), { mode: 0o600 });
  }

  async ask({ method, url, as, payload, headers }: RigRequest): Promise<RigAnswer> {
    const answer = await Promise.resolve(
      this.app.inject({
        method: method as 'GET',
        url,
        headers: { ...(as === undefined ? {} : bearer(as)), ...headers },
        ...(payload === undefined ? {} : { payload }),
      }),
    );
    const type = String(answer.headers['content-type'] ?? '');
    const isJson = type.includes('json') && answer.body !== '';
    return {
      status: answer.statusCode,
      type,
      headers: answer.headers,
      text: answer.body,
      json: isJson ? answer.json() : undefined,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.app.close();
    this.tables[Symbol.dispose]();
    this.folder[Symbol.dispose]();
  }
}

/** A good body for each route that takes one, on the validator `main`. */
const BODIES: Readonly<Record<string, object>> = {
  'floor.raise': { floorHeight: '9', confirm: 'main' },
  'nodes.add': { address: 'tcp://127.0.0.1:26659' },
  'nodes.remove': { address: 'tcp://127.0.0.1:26659', confirm: 'main' },
  'validator.freeze': { reason: 'moving house' },
  'validator.unfreeze': { confirm: 'main' },
  'validator.ceiling': { height: '100' },
  'rotation.generate': { key: { kind: 'file' } },
  'rotation.prove': { operator: 'cosmos1xyz' },
  'rotation.tx': { format: 'kvstore', power: '10' },
  'rotation.arm': { atHeight: '50' },
  'rotation.finish': { confirm: 'main' },
};

/** A request that the route grants. */
export function goodRequest(route: AdminRoute): RigRequest {
  const url = route.path
    .replace(':validator', 'main')
    .replace(':height', '7')
    .replace(':id', 'ab'.repeat(16));
  const { method } = route;
  return method === 'GET' ? { method, url } : { method, url, payload: BODIES[route.name] ?? {} };
}

/** The rows of the table by name. */
export const ROUTES: readonly (readonly [string, AdminRoute])[] = ADMIN_ROUTES.map((route) => [
  route.name,
  route,
]);

/** Certificates on disk: the listener's, and one of a client of another authority. */
export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
  readonly clientCaFile: string;
  /** Authority of the listener. PEM. */
  readonly ca: string;
  readonly clients: Authority;
}

/** Makes them. */
export function writeTlsFiles(folder: ScratchFolder): TlsFiles {
  const validity = { nowMs: Date.now(), years: 1 };
  const servers = createAuthority('servers', validity);
  const clients = createAuthority('clients', validity);
  const server = certify(servers, {
    ...validity,
    subject: 'signer',
    use: 'server',
    hosts: ['127.0.0.1', 'localhost'],
  });
  const write = (name: string, text: string): string => {
    writeFileSync(folder.join(name), text, { mode: 0o600 });
    return folder.join(name);
  };
  return {
    certFile: write('server.crt', server.certificate),
    keyFile: write('server.key', server.privateKey),
    clientCaFile: write('clients.crt', clients.certificate),
    ca: servers.certificate,
    clients,
  };
}
