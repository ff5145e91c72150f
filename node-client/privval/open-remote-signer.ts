/** From the address in a node's configuration to a signer it can sign through. */
import type { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import type { Clock } from '@privval/proto/runtime/clock';
import type { Logger } from '@privval/proto/runtime/logger';
import type { GrpcTlsFiles } from './grpc-endpoint.ts';
import { RemoteSigner, type RemoteSignerOptions } from './remote-signer.ts';
import { parseSignerAddress } from './signer-address.ts';

/** What is needed besides the address. */
export interface OpenRemoteSignerOptions extends RemoteSignerOptions {
  /** `tcp://host:port`, `unix://path`, `noise://signerid@ip:port` (listened on), `grpc(s)://host:port` (dialed). */
  readonly address: string;
  /** gRPC only: the certificate files; given, TLS is used on `grpc://` too, as nodes of v0.35 do. */
  readonly tls?: GrpcTlsFiles | undefined;
}

/**
 * Opens the remote signer at `options.address`. It need not be there yet: the first call waits for it.
 *
 * @throws {InvalidSignerAddressError} ERR_INVALID_SIGNER_ADDRESS
 * @throws {ListenError} ERR_LISTEN_FAILED
 * @throws {GrpcCredentialsError} ERR_GRPC_CREDENTIALS
 */
export async function openRemoteSigner(
  deps: {
    readonly clock: Clock;
    readonly logger: Logger;
    /** The node's own key on `tcp://` and `noise://`; stays the caller's. @default a random one */
    readonly identity?: Ed25519SecretKey | undefined;
  },
  options: OpenRemoteSignerOptions,
): Promise<RemoteSigner> {
  const address = parseSignerAddress(options.address);
  if (address.kind !== 'grpc') return RemoteSigner.listen(deps, options);
  // Loaded only here: the gRPC library is large, and most nodes have no use for it.
  const { GrpcEndpoint } = await import('./grpc-endpoint.ts');
  const endpoint = await GrpcEndpoint.dial(deps, { address, tls: options.tls });
  return RemoteSigner.over({ endpoint, clock: deps.clock }, options);
}
