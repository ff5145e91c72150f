/** A validator on its way into a home: its key made or read, its files written, nothing bound yet. */
import { join, resolve } from 'node:path';
import type { PublicKey } from '@privval/proto/crypto/public-key';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import type { GrpcText, ValidatorText } from '../config/config-text.ts';
import { parseEndpoint } from '../connection/node-address.ts';
import type { Floor, ValidatorRecord } from '../guard/sign-state-store.ts';
import type { DeviceDeps, GeneratedKey } from '../keyring/devices.ts';
import { firstFloor } from './first-floor.ts';
import { createGrpcCertificates, GRPC_FILES } from './grpc-certificates.ts';
import { openDeviceKey, writeFileKey } from './new-key.ts';
import { bringsKey, type CheckedRequest, type GrpcRequest } from './validator-request.ts';

/** What a home is to bind, and what was made for it. */
export interface NewValidator {
  readonly record: ValidatorRecord;
  readonly publicKey: PublicKey;
  readonly floor: Floor;
  readonly isExistingKey: boolean;
  /** What `signer.toml` says about it. */
  readonly text: ValidatorText;
  /** What the operator should know. */
  readonly warnings: readonly string[];
  /** The key, if a device made it just now: to be removed should the rest fail. */
  readonly generated: GeneratedKey | undefined;
  /** The folder of the node's certificates, relative to the home, if any were made. */
  readonly nodeCertificates: string | undefined;
}

/**
 * Reads or makes the key and writes the validator's files under `folder`, which is the home or
 * becomes it. What is left behind after a failure is the caller's to remove; a key that a device
 * made is not left behind.
 *
 * @throws what {@link writeFileKey}, {@link openDeviceKey} and {@link firstFloor} throw.
 */
export async function writeNewValidator(
  deps: DeviceDeps,
  { request, name, chainId, nodes, rpcs, witnesses }: CheckedRequest,
  options: AbortOptions & { readonly folder: string },
): Promise<NewValidator> {
  const { stateFile, floorHeight, grpc, device, imported } = request;
  const { folder, signal } = options;
  const isExistingKey = bringsKey(request);
  const grpcParts =
    grpc === undefined ? undefined : writeGrpc(grpc, { folder, name, nowMs: deps.clock.now() });
  const floorOf = (publicKey: PublicKey): Floor =>
    imported === undefined
      ? firstFloor({ isExistingKey, stateFile, floorHeight }, { chainId, publicKey })
      : imported.floorOf({ chainId, publicKey });
  const place = { folder, name, floorOf, signal };
  // Last, so that little can fail after a device has made a key.
  const key =
    device === undefined
      ? await writeFileKey(request, place)
      : await openDeviceKey(deps, device, place);
  const { publicKey, floor, providers, warnings, generated } = key;
  return {
    record: { name, chainId, publicKey: publicKey.bytes },
    publicKey,
    floor,
    isExistingKey,
    warnings,
    generated,
    nodeCertificates: grpcParts?.nodeCertificates,
    text: { name, chainId, providers, nodes, rpcs, witnesses, grpc: grpcParts?.text },
  };
}

function writeGrpc(
  { listen, cert, key, clientCa, isInsecure }: GrpcRequest,
  place: { readonly folder: string; readonly name: string; readonly nowMs: number },
): { readonly text: GrpcText; readonly nodeCertificates: string | undefined } {
  if (isInsecure) return { text: { listen, tls: undefined }, nodeCertificates: undefined };
  const { folder, name, nowMs } = place;
  const own = join('grpc', name);
  const needsServer = cert === undefined;
  const needsClient = clientCa === undefined;
  if (needsServer || needsClient) {
    const { host } = parseEndpoint(listen, { allowPortZero: true });
    createGrpcCertificates(join(folder, own), {
      validator: name,
      host,
      needsServer,
      needsClient,
      nowMs,
    });
  }
  return {
    text: {
      listen,
      tls: {
        cert: cert === undefined ? join(own, GRPC_FILES.serverCert) : resolve(cert),
        key: key === undefined ? join(own, GRPC_FILES.serverKey) : resolve(key),
        clientCa: clientCa === undefined ? join(own, GRPC_FILES.clientCa) : resolve(clientCa),
      },
    },
    nodeCertificates: needsServer || needsClient ? join(own, 'node') : undefined,
  };
}
