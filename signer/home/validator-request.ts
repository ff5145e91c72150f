/** A validator as `init` and `validators add` ask for it, and whether that can be meant. Nothing is read or written. */
import { resolve } from 'node:path';
import type { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { CodedError } from '@privval/proto/runtime/coded-error';
import { type ChainId, parseChainId } from '@privval/proto/types/chain-id';
import { parseRpcUrl } from '../chain/rpc-url.ts';
import { checkGrpcListen } from '../connection/grpc-options.ts';
import { parseEndpoint, parseNodeAddress, printNodeAddress } from '../connection/node-address.ts';
import type { Floor } from '../guard/sign-state-store.ts';
import type { DeviceKeyRequest } from '../keyring/device-key-request.ts';
import { checkHistory, type FloorOwner } from './first-floor.ts';
import { parseValidatorName } from './validator-name.ts';

/** A validator as it is asked for, nothing checked. Paths start at the working directory. */
export interface ValidatorRequest {
  readonly name: string;
  readonly chainId: string;
  /** Addresses to dial. */
  readonly nodes: readonly string[];
  /** The i-th belongs to the i-th node; the rest are witnesses. Nobody is asked anything. @default none */
  readonly rpcs?: readonly string[] | undefined;
  /** An existing key to bring in; a fresh one is made without. */
  readonly keyFile?: string | undefined;
  readonly stateFile?: string | undefined;
  readonly floorHeight?: bigint | undefined;
  /** Encrypts the key at rest, and opens an encrypted `keyFile`. */
  readonly passphraseFile?: string | undefined;
  /** A key in a device, instead of a file. */
  readonly device?: DeviceKeyRequest | undefined;
  readonly grpc?: GrpcRequest | undefined;
  /** A key out of another signer, in a file of its or in `device`: instead of `keyFile`, `stateFile` and `floorHeight`. */
  readonly imported?: ImportedKey | undefined;
}

/** A key that another signer had, with what it has signed. */
export interface ImportedKey {
  /** Reads the key, which is the caller's then. @default it is in `device` */
  readonly readSecret?: ((options: AbortOptions) => Promise<Ed25519SecretKey>) | undefined;
  /** Throws when what was found does not tell how far the key has signed, or is another's (S2, S3). */
  readonly floorOf: (owner: FloorOwner) => Floor;
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

/** A request whose texts are all in order. */
export interface CheckedRequest {
  readonly request: ValidatorRequest;
  readonly name: string;
  readonly chainId: ChainId;
  readonly nodes: readonly string[];
  /** Of the first nodes. */
  readonly rpcs: readonly string[];
  readonly witnesses: readonly string[];
}

/**
 * Checks all that can be checked without reading a key or writing anything.
 *
 * @throws {InvalidValidatorNameError} ERR_INVALID_VALIDATOR_NAME
 * @throws {InvalidChainIdError} ERR_INVALID_CHAIN_ID
 * @throws {InvalidNodeAddressError} ERR_INVALID_NODE_ADDRESS
 * @throws {InvalidRpcUrlError} ERR_INVALID_RPC_URL
 * @throws {InvalidRequestError} ERR_INVALID_REQUEST
 * @throws {InsecureGrpcAddressError} ERR_GRPC_INSECURE_ADDRESS
 * @throws {FloorRequiredError} ERR_FLOOR_REQUIRED
 * @throws {StateWithoutKeyError} ERR_STATE_WITHOUT_KEY
 */
export function checkRequest(request: ValidatorRequest): CheckedRequest {
  const { grpc, stateFile, floorHeight, imported } = request;
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
  checkKeySource(request);
  // An imported key's history is looked at with the key.
  if (imported === undefined) {
    checkHistory({ isExistingKey: bringsKey(request), stateFile, floorHeight });
  }
  const rpcs = (request.rpcs ?? []).map((text) => parseRpcUrl(text).text);
  const rpcTwice = rpcs.find((rpc, at) => rpcs.indexOf(rpc) !== at);
  if (rpcTwice !== undefined) throw new InvalidRequestError('an RPC is given twice');
  return {
    request,
    name,
    chainId,
    nodes,
    rpcs: rpcs.slice(0, nodes.length),
    witnesses: rpcs.slice(nodes.length),
  };
}

/** Whether the key exists already, so that nobody here knows what it has signed (S2). */
export function bringsKey({ keyFile, device, imported }: ValidatorRequest): boolean {
  if (imported !== undefined) return true;
  return device === undefined ? keyFile !== undefined : device.generate === undefined;
}

function checkKeySource({ keyFile, passphraseFile, device }: ValidatorRequest): void {
  if (device === undefined) return;
  if (keyFile !== undefined) {
    throw new InvalidRequestError(
      'the key is in a device or in a file: --key-file contradicts --provider',
    );
  }
  if (passphraseFile !== undefined) {
    throw new InvalidRequestError(
      '--passphrase-file encrypts a key in a file, and this one is in a device',
    );
  }
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
