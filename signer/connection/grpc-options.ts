/** Where a gRPC listener may listen, and with what. Apart from the listener, which is loaded late. */
import { CodedError } from '@privval/proto/runtime/coded-error';
import { type Endpoint, isLoopbackHost, printEndpoint } from './node-address.ts';

/** PEM files of mutual TLS. */
export interface GrpcTlsFiles {
  /** The listener's certificate, with its chain. */
  readonly certFile: string;
  readonly keyFile: string;
  /** The authority that signed the node's client certificate. */
  readonly clientCaFile: string;
}

/** Where to listen. Without `tls` the connection is plaintext, which is for loopback only. */
export interface GrpcListenOptions extends Endpoint {
  readonly tls: GrpcTlsFiles | undefined;
}

/** Plaintext gRPC on an address that other machines can reach. */
export class InsecureGrpcAddressError extends CodedError {
  override readonly name = 'InsecureGrpcAddressError';
  readonly code = 'ERR_GRPC_INSECURE_ADDRESS';

  constructor(address: string) {
    super(
      `gRPC without TLS is served on loopback only, not on ${address}: give certificates or listen on 127.0.0.1`,
    );
  }
}

/** @throws {InsecureGrpcAddressError} ERR_GRPC_INSECURE_ADDRESS for plaintext beyond loopback. */
export function checkGrpcListen(options: GrpcListenOptions): void {
  if (options.tls === undefined && !isLoopbackHost(options.host)) {
    throw new InsecureGrpcAddressError(printEndpoint(options));
  }
}
