/** The tables of `signer.toml` about running a signer: who may look, who may act, what is kept. */
import { resolve } from 'node:path';
import { isLoopbackHost, parseEndpoint } from '../connection/node-address.ts';
import type { ConfigTable, ConfigTables } from './config-table.ts';

/** A listening address. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** Health, metrics and the status page. */
export interface HttpConfig {
  /** `undefined`: none. */
  readonly listen: ListenAddress | undefined;
  /** Another address than loopback is meant. */
  readonly isPublic: boolean;
}

/** The admin API beside its socket; paths are absolute. */
export interface AdminConfig {
  /** TCP, always with TLS. `undefined`: the socket only. */
  readonly listen: ListenAddress | undefined;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
  readonly clientCaFile: string | undefined;
  readonly credentialsFile: string | undefined;
  readonly isTwoPerson: boolean;
  readonly approvalSeconds: number;
}

/** What is kept of the audit log. */
export interface AuditConfig {
  readonly maxBytes: number;
  readonly segmentBytes: number;
  readonly diskReserveBytes: number;
  readonly checkpointSeconds: number;
}

/** The three tables. */
export interface OperationsConfig {
  readonly http: HttpConfig;
  readonly admin: AdminConfig;
  readonly audit: AuditConfig;
}

/** @throws {ConfigValueError} ERR_CONFIG_VALUE */
export function readOperations(
  { http, admin, audit }: Pick<ConfigTables, 'http' | 'admin' | 'audit'>,
  home: string,
): OperationsConfig {
  return {
    http: readHttp(http),
    admin: readAdmin(admin, home),
    audit: {
      maxBytes: audit.number('max_bytes'),
      segmentBytes: audit.number('segment_bytes'),
      diskReserveBytes: audit.number('disk_reserve_bytes'),
      checkpointSeconds: audit.number('checkpoint_seconds'),
    },
  };
}

/** Anybody who reaches it may read it: other machines only where that was said. */
function readHttp(table: ConfigTable): HttpConfig {
  const listen = readListen(table);
  const isPublic = table.flag('public');
  if (listen !== undefined && !isPublic && !isLoopbackHost(listen.host)) {
    throw table.fault(
      'listen',
      `is reached by other machines (${listen.host}): if that is meant, public = true or --http-public`,
    );
  }
  return { listen, isPublic };
}

/** A listener over TCP shows a certificate and asks for another one or for a token: never nothing (S16 has the socket). */
function readAdmin(table: ConfigTable, home: string): AdminConfig {
  const file = (key: string): string | undefined => {
    const path = table.optionalText(key);
    return path === undefined ? undefined : resolve(home, path);
  };
  const admin = {
    listen: readListen(table),
    certFile: file('cert'),
    keyFile: file('key'),
    clientCaFile: file('client_ca'),
    credentialsFile: file('credentials_file'),
    isTwoPerson: table.flag('two_person'),
    approvalSeconds: table.number('approval_seconds'),
  };
  if (admin.isTwoPerson && admin.credentialsFile === undefined) {
    throw table.fault('two_person', 'needs credentials_file: nobody else could approve');
  }
  if (admin.listen === undefined) return admin;
  if (admin.certFile === undefined || admin.keyFile === undefined) {
    throw table.fault('listen', 'needs cert and key: the admin API is never served without TLS');
  }
  if (admin.credentialsFile === undefined) {
    throw table.fault('listen', 'needs credentials_file: who may ask, as what');
  }
  return admin;
}

function readListen(table: ConfigTable): ListenAddress | undefined {
  if (table.optionalText('listen') === undefined) return undefined;
  return table.parsed('listen', (text) => parseEndpoint(text, { allowPortZero: true }));
}
