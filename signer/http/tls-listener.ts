/** The admin API over TCP: TLS 1.3, and callers that can prove who they are, or nothing at all. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { isIP } from 'node:net';
import { readSecretFile } from '@privval/hsm/file/secret-file';
import { AdminListenError, TcpUnprotectedError } from './admin-errors.ts';
import { answerClientError } from './client-error.ts';
import type { Credentials } from './credentials.ts';
import { type HttpLimits, serverOptions } from './http-limits.ts';

/** A key file has a few kilobytes. */
const MAX_KEY_BYTES = 65_536;

/** Where and how. Paths are absolute. */
export interface TcpOptions {
  /** An IP address or a name of this machine. */
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly certFile: string;
  /** Mode 0600. */
  readonly keyFile: string;
  /** Authority of client certificates. */
  readonly clientCaFile?: string | undefined;
  /** Roles, tokens, fingerprints of certificates. */
  readonly credentialsFile?: string | undefined;
}

/**
 * Makes the server; nothing listens yet.
 *
 * @throws {TcpUnprotectedError} ERR_ADMIN_TCP_UNPROTECTED unless callers can prove who they are: on
 *   loopback too, where every user of the machine can connect.
 * @throws {AdminListenError} ERR_ADMIN_LISTEN when certificate and key are none, or not of each other.
 * @throws what {@link readSecretFile} throws about the key's file.
 */
export function createTlsServer(
  options: TcpOptions,
  parts: {
    readonly handler: (request: IncomingMessage, response: ServerResponse) => void;
    readonly credentials: Credentials | undefined;
    readonly limits: HttpLimits;
  },
): Server {
  const { certFile, keyFile, clientCaFile } = options;
  const { credentials, limits, handler } = parts;
  if (credentials === undefined) {
    throw new TcpUnprotectedError('it needs admin.credentials_file, which says who is who');
  }
  if (clientCaFile === undefined && !credentials.hasTokens) {
    throw new TcpUnprotectedError(
      'neither admin.client_ca is set nor is there a token in admin.credentials_file: nobody could prove anything',
    );
  }
  using key = readSecretFile(keyFile, { maxBytes: MAX_KEY_BYTES });
  let server: Server;
  try {
    const secure = {
      cert: readFileSync(certFile),
      ...(clientCaFile === undefined ? {} : { ca: readFileSync(clientCaFile) }),
      requestCert: clientCaFile !== undefined,
      // A caller without a certificate may have a token; the gate asks `authorized`.
      rejectUnauthorized: false,
      minVersion: 'TLSv1.3' as const,
      ALPNProtocols: ['http/1.1'],
      handshakeTimeout: limits.headersTimeoutMs,
      ...serverOptions(limits),
    };
    server = key.use((bytes) => createServer({ ...secure, key: Buffer.from(bytes) }, handler));
  } catch (cause) {
    throw new AdminListenError(`${options.host}:${options.port}`, { cause });
  }
  server.maxConnections = limits.maxConnections;
  server.maxRequestsPerSocket = limits.maxRequestsPerSocket;
  server.on('clientError', answerClientError);
  // Whatever a stranger's handshake fails of: there is nobody to tell.
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  return server;
}

/** Whether a Host is a name or address in the certificate: what an honest client has checked too. */
export function hostOfCertificate(certFile: string): (host: string) => boolean {
  const certificate = new X509Certificate(readFileSync(certFile));
  return (host) => {
    if (!/^[A-Za-z0-9.:[\]-]{1,255}$/.test(host)) return false;
    const name = host.replace(/:\d{1,5}$/, '').replace(/^\[(.*)\]$/, '$1');
    return isIP(name) === 0
      ? certificate.checkHost(name, { wildcards: false }) !== undefined
      : certificate.checkIP(name) !== undefined;
  };
}
