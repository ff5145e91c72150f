/** The flags of `init` and `validators add`, as the request they stand for. */
import type { NewValidator } from '../home/new-validator.ts';
import type { GrpcRequest, ValidatorRequest } from '../home/validator-request.ts';
import { type CliContext, type HomeFlags, UsageError } from './context.ts';
import { type DeviceFlags, deviceFromFlags } from './device-flags.ts';

/** As the command line has them. */
export interface ValidatorFlags extends HomeFlags, DeviceFlags {
  readonly chainId: string;
  readonly node?: readonly string[];
  readonly rpc?: readonly string[];
  readonly keyFile?: string;
  readonly stateFile?: string;
  readonly floorHeight?: bigint;
  readonly passphraseFile?: string;
  readonly grpcListen?: string;
  readonly grpcCert?: string;
  readonly grpcKey?: string;
  readonly grpcClientCa?: string;
  readonly grpcInsecure?: boolean;
}

/** @throws {UsageError} ERR_USAGE for flags that are not complete, or contradict each other. */
export function requestFromFlags(name: string, flags: ValidatorFlags): ValidatorRequest {
  const { chainId, node = [], rpc = [], keyFile, stateFile, floorHeight, passphraseFile } = flags;
  return {
    name,
    chainId,
    nodes: node,
    rpcs: rpc,
    keyFile,
    stateFile,
    floorHeight,
    passphraseFile,
    device: deviceFromFlags(flags),
    grpc: grpcFromFlags(flags),
  };
}

function grpcFromFlags(flags: ValidatorFlags): GrpcRequest | undefined {
  const { grpcListen, grpcCert, grpcKey, grpcClientCa, grpcInsecure = false } = flags;
  if (grpcListen !== undefined) {
    return {
      listen: grpcListen,
      cert: grpcCert,
      key: grpcKey,
      clientCa: grpcClientCa,
      isInsecure: grpcInsecure,
    };
  }
  if (grpcInsecure || [grpcCert, grpcKey, grpcClientCa].some((file) => file !== undefined)) {
    throw new UsageError('the other --grpc flags need --grpc-listen HOST:PORT');
  }
  return undefined;
}

/** Said whenever a key was not made just now. */
export function warnOfOldSigner(context: CliContext, { text }: NewValidator): void {
  if (!text.providers.some(({ kind }) => kind === 'file')) {
    context.note(
      'The key was in the device before: whatever else signs with it, there or with a copy of it,\nmust never run again.',
    );
    return;
  }
  context.note(
    'The key came from elsewhere: whatever signed with it must never run again, and its key file\nshould be deleted there once this signer has signed.',
  );
}
