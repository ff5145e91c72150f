/** The certificates of one validator's gRPC listener, where the operator has none: both ends' whole set. */
import { mkdirSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { type Authority, certify, createAuthority } from './certificate.ts';
import { createFile } from './durable-file.ts';

/** No authority's key is kept, so nothing can be renewed: the set lasts, and is replaced as a whole. */
const VALIDITY_YEARS = 10;

/** What is to be made. */
export interface GrpcCertificateRequest {
  readonly validator: string;
  /** Where the listener will listen: it has to be in its certificate. */
  readonly host: string;
  /** The listener's certificate and key, and the root for the node. */
  readonly needsServer: boolean;
  /** The authority of clients, and a certificate and key for the node. */
  readonly needsClient: boolean;
  readonly nowMs: number;
}

/** Names of the files in the folder. Those under `node/` are the node's. */
export const GRPC_FILES = {
  serverCert: 'server.crt',
  serverKey: 'server.key',
  clientCa: 'client-ca.crt',
  nodeRootCa: 'node/root-ca.crt',
  nodeCert: 'node/client.crt',
  nodeKey: 'node/client.key',
} as const;

/**
 * Makes what is needed in a new `folder` of mode 0700.
 *
 * Two authorities, one for each direction, whose keys are dropped when this returns: nobody can
 * make another client's certificate later, neither a thief nor the operator.
 */
export function createGrpcCertificates(folder: string, request: GrpcCertificateRequest): void {
  const { validator, host, needsServer, needsClient, nowMs } = request;
  const validity = { nowMs, years: VALIDITY_YEARS };
  mkdirSync(join(folder, 'node'), { recursive: true, mode: 0o700 });
  const write = (name: string, text: string): void => createFile(join(folder, name), text);
  const authority = (of: string): Authority =>
    createAuthority(`privval ${validator} ${of} authority`, validity);
  if (needsServer) {
    const root = authority('signer');
    const server = certify(root, {
      ...validity,
      subject: `privval ${validator} signer`,
      use: 'server',
      hosts: namesOf(host),
    });
    write(GRPC_FILES.serverCert, server.certificate);
    write(GRPC_FILES.serverKey, server.privateKey);
    write(GRPC_FILES.nodeRootCa, root.certificate);
  }
  if (needsClient) {
    const clients = authority('node');
    const node = certify(clients, {
      ...validity,
      subject: `privval ${validator} node`,
      use: 'client',
      hosts: [],
    });
    write(GRPC_FILES.clientCa, clients.certificate);
    write(GRPC_FILES.nodeCert, node.certificate);
    write(GRPC_FILES.nodeKey, node.privateKey);
  }
}

/** By what names a node may reach a listener: its own and loopback's; on every address, the machine's. */
function namesOf(host: string): readonly string[] {
  const names = new Set([host, 'localhost', '127.0.0.1', '::1']);
  if (host === '0.0.0.0' || host === '::') {
    names.delete(host);
    names.add(hostname());
    for (const addresses of Object.values(networkInterfaces())) {
      // A link-local address has a zone that no certificate can name.
      for (const { address } of addresses ?? [])
        if (!address.startsWith('fe80')) names.add(address);
    }
  }
  return [...names];
}
