/** A validator on its way into a home: checked, its key written, nothing bound yet. */
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readKeyFile, writeKeyFile } from '@privval/hsm/file/open-key-file';
import type { PublicKey } from '@privval/proto/crypto/public-key';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { CodedError } from '@privval/proto/runtime/coded-error';
import { type ChainId, parseChainId } from '@privval/proto/types/chain-id';
import type { GrpcText, ValidatorText } from '../config/config-text.ts';
import { checkGrpcListen } from '../connection/grpc-options.ts';
import { parseEndpoint, parseNodeAddress, printNodeAddress } from '../connection/node-address.ts';
import type { Floor, ValidatorRecord } from '../guard/sign-state-store.ts';
import { checkHistory, firstFloor } from './first-floor.ts';
import { createGrpcCertificates, GRPC_FILES } from './grpc-certificates.ts';
import { parseValidatorName } from './validator-name.ts';

/** A validator as it is asked for, nothing checked. Paths start at the working directory. */
export interface ValidatorRequest {
  readonly name: string;
  readonly chainId: string;
  /** Addresses to dial. */
  readonly nodes: readonly string[];
  /** An existing key to bring in; a fresh one is made without. */
  readonly keyFile?: string | undefined;
  readonly stateFile?: string | undefined;
  readonly floorHeight?: bigint | undefined;
  /** Encrypts the key at rest, and opens an encrypted `keyFile`. */
  readonly passphraseFile?: string | undefined;
  readonly grpc?: GrpcRequest | undefined;
}

/** A gRPC listener as it is asked for. Certificates that are not given are made. */
export interface GrpcRequest {
  /** `host:port` */
  readonly listen: string;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly clientCa?: string | undefined;
  /** Plaintext, on loopback only. */
  readonly isInsecure: boolean;
}

/** A request contradicts itself or leaves out what is needed. */
export class InvalidRequestError extends CodedError {
  override readonly name = 'InvalidRequestError';
  readonly code = 'ERR_INVALID_REQUEST';
}

/** What a home is to bind, and what was made for it. */
export interface NewValidator {
  readonly record: ValidatorRecord;
  readonly publicKey: PublicKey;
  readonly floor: Floor;
  readonly isExistingKey: boolean;
  /** What `signer.toml` says about it. */
  readonly text: ValidatorText;
  /** Files made, relative to the home. */
  readonly keyFile: string;
  /** The folder of the node's certificates, relative to the home, if any were made. */
  readonly nodeCertificates: string | undefined;
}

/** A request whose texts are all in order. */
export interface CheckedRequest {
  readonly request: ValidatorRequest;
  readonly name: string;
  readonly chainId: ChainId;
  readonly nodes: readonly string[];
}

/**
 * Checks all that can be checked without reading a key or writing anything.
 *
 * @throws {InvalidValidatorNameError} ERR_INVALID_VALIDATOR_NAME
 * @throws {InvalidChainIdError} ERR_INVALID_CHAIN_ID
 * @throws {InvalidNodeAddressError} ERR_INVALID_NODE_ADDRESS
 * @throws {InvalidRequestError} ERR_INVALID_REQUEST
 * @throws {InsecureGrpcAddressError} ERR_GRPC_INSECURE_ADDRESS
 * @throws {FloorRequiredError} ERR_FLOOR_REQUIRED
 * @throws {StateWithoutKeyError} ERR_STATE_WITHOUT_KEY
 */
export function checkRequest(request: ValidatorRequest): CheckedRequest {
  const { grpc, keyFile, stateFile, floorHeight } = request;
  const name = parseValidatorName(request.name);
  const chainId = parseChainId(request.chainId);
  const nodes = request.nodes.map(absoluteNode);
  const twice = nodes.find((node, at) => nodes.indexOf(node) !== at);
  if (twice !== undefined) throw new InvalidRequestError(`node ${twice} is given twice`);
  if (nodes.length === 0 && grpc === undefined) {
    throw new InvalidRequestError(
      'nobody could ask this validator for a signature: give --node ADDR or --grpc-listen HOST:PORT',
    );
  }
  if (grpc !== undefined) checkGrpc(grpc);
  checkHistory({ isExistingKey: keyFile !== undefined, stateFile, floorHeight });
  return { request, name, chainId, nodes };
}

/**
 * Reads or makes the key and writes the validator's files under `folder`, which is the home or
 * becomes it. What is left behind after a failure is the caller's to remove.
 *
 * @throws what {@link readKeyFile}, {@link writeKeyFile} and {@link firstFloor} throw.
 */
export async function writeNewValidator(
  { request, name, chainId, nodes }: CheckedRequest,
  folder: string,
  options: AbortOptions & { readonly nowMs: number },
): Promise<NewValidator> {
  const { passphraseFile, stateFile, floorHeight, grpc } = request;
  const isExistingKey = request.keyFile !== undefined;
  using secret = await openSecret(request, options);
  const { publicKey } = secret;
  const floor = firstFloor({ isExistingKey, stateFile, floorHeight }, { chainId, publicKey });
  const keyFile = join('keys', `${name}.json`);
  mkdirSync(join(folder, 'keys'), { recursive: true, mode: 0o700 });
  await writeKeyFile(join(folder, keyFile), secret, { passphraseFile, signal: options.signal });
  const grpcParts =
    grpc === undefined ? undefined : writeGrpc(grpc, { folder, name, nowMs: options.nowMs });
  return {
    record: { name, chainId, publicKey: publicKey.bytes },
    publicKey,
    floor,
    isExistingKey,
    keyFile,
    nodeCertificates: grpcParts?.nodeCertificates,
    text: {
      name,
      chainId,
      keyFile,
      passphraseFile: passphraseFile === undefined ? undefined : resolve(passphraseFile),
      nodes,
      grpc: grpcParts?.text,
    },
  };
}

async function openSecret(
  { keyFile, passphraseFile }: ValidatorRequest,
  options: AbortOptions,
): Promise<Ed25519SecretKey> {
  if (keyFile === undefined) return Ed25519SecretKey.generate();
  const { secret } = await readKeyFile(keyFile, { passphraseFile, signal: options.signal });
  return secret;
}

/** `serve` may be started from another folder. */
function absoluteNode(text: string): string {
  const address = parseNodeAddress(text);
  if (address.scheme !== 'unix') return printNodeAddress(address);
  const printed = printNodeAddress({ scheme: 'unix', path: resolve(address.path) });
  return printNodeAddress(parseNodeAddress(printed));
}

function checkGrpc({ listen, cert, key, clientCa, isInsecure }: GrpcRequest): void {
  const endpoint = parseEndpoint(listen, { allowPortZero: true });
  const files = [cert, key, clientCa].filter((file) => file !== undefined);
  if (isInsecure) {
    if (files.length > 0) {
      throw new InvalidRequestError('--grpc-insecure contradicts the certificates given beside it');
    }
    checkGrpcListen({ ...endpoint, tls: undefined });
    return;
  }
  if ((cert === undefined) !== (key === undefined)) {
    throw new InvalidRequestError('--grpc-cert and --grpc-key belong together: give both or none');
  }
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
