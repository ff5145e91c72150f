import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { createGrpcCertificates, GRPC_FILES } from '@privval/signer/home/grpc-certificates';
import { describe, expect, test } from 'vitest';
import { ScratchFolder } from '../../harness/scratch-folder.ts';

class Certificates implements Disposable {
  readonly #folder = new ScratchFolder();

  constructor(host = '127.0.0.1') {
    createGrpcCertificates(this.#folder.join('grpc'), {
      validator: 'main',
      host,
      needsServer: true,
      needsClient: true,
      nowMs: Date.now(),
    });
  }

  pem(name: keyof typeof GRPC_FILES): string {
    return readFileSync(this.#folder.join('grpc', GRPC_FILES[name]), 'utf8');
  }

  x509(name: keyof typeof GRPC_FILES): X509Certificate {
    return new X509Certificate(this.pem(name));
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}

/** One TLS 1.3 handshake of `node`'s files with `signer`'s. @returns whether the signer accepted the node */
async function handshake(signer: Certificates, node: Certificates): Promise<boolean> {
  const server = createServer({
    cert: signer.pem('serverCert'),
    key: signer.pem('serverKey'),
    ca: signer.pem('clientCa'),
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.3',
  });
  server.on('secureConnection', (socket: TLSSocket) => socket.end('in'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect({
    port: (server.address() as AddressInfo).port,
    host: '127.0.0.1',
    cert: node.pem('nodeCert'),
    key: node.pem('nodeKey'),
    ca: node.pem('nodeRootCa'),
  });
  let received = '';
  client.on('data', (chunk: Buffer) => {
    received += chunk.toString();
  });
  client.on('error', () => undefined);
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  client.on('close', () => resolve());
  await closed;
  server.close();
  await once(server, 'close');
  return received === 'in';
}

describe('the certificates of a gRPC listener', () => {
  test('let the node and the signer prove themselves to each other, and nobody else', async () => {
    using ours = new Certificates();
    using others = new Certificates();
    expect(await handshake(ours, ours)).toBe(true);
    expect(await handshake(ours, others)).toBe(false);
    expect(await handshake(others, ours)).toBe(false);
  });

  test('are each by the authority of its own direction', () => {
    using made = new Certificates();
    const server = made.x509('serverCert');
    const client = made.x509('nodeCert');
    expect(server.verify(made.x509('nodeRootCa').publicKey)).toBe(true);
    expect(client.verify(made.x509('clientCa').publicKey)).toBe(true);
    expect(client.checkIssued(made.x509('nodeRootCa'))).toBe(false);
    expect([server.ca, client.ca]).toEqual([false, false]);
    expect(made.x509('clientCa').ca).toBe(true);
    expect(server.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(client.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
  });

  test.each([
    ['10.1.2.3', '10.1.2.3'],
    ['fd00::1:2', 'fd00::1:2'],
    ['2001:db8:0:0:1::ff', '2001:db8::1:0:0:ff'],
  ])('name the address %s that is listened on, and loopback', (host, ip) => {
    using made = new Certificates(host);
    const server = made.x509('serverCert');
    for (const address of [ip, '127.0.0.1', '::1']) {
      expect(server.checkIP(address), address).toBe(address);
    }
    expect(server.checkHost('localhost')).toBe('localhost');
    expect(server.checkIP('10.9.9.9')).toBeUndefined();
  });

  test('name a host by its name', () => {
    using made = new Certificates('signer.internal');
    expect(made.x509('serverCert').checkHost('signer.internal')).toBe('signer.internal');
  });
});
