/** The running signer's status as the admin API gives it: no bigint, no bytes. */
import { addressToText, type PublicKeyJson, publicKeyToJson } from '@privval/proto/crypto/key-json';
import { addressFromPublicKey, ed25519PublicKey } from '@privval/proto/crypto/public-key';
import type { GrpcStatus } from '../connection/grpc-link.ts';
import type { LinkStatus } from '../connection/node-link.ts';
import { type PositionJson, positionJson } from '../home/home-state.ts';
import type { SignerStatus, ValidatorFault, ValidatorStatus } from '../signer-status.ts';
import { type ProviderHealthJson, providerHealthJson } from './provider-health-json.ts';

/** A validator's status. */
export interface ValidatorStatusJson {
  readonly name: string;
  readonly chainId: string;
  readonly publicKey: PublicKeyJson;
  readonly address: string;
  /** Whether its key is usable. */
  readonly isInService: boolean;
  readonly fault: ValidatorFault | null;
  /** The places its key is in. */
  readonly providers: readonly ProviderHealthJson[];
  readonly floor: PositionJson;
  readonly nodes: readonly LinkStatus[];
  readonly grpc: GrpcStatus | null;
}

/** The signer's status. */
export interface StatusJson {
  readonly version: string;
  readonly pid: number;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly validators: readonly ValidatorStatusJson[];
}

/** @param process which program answers */
export function statusJson(
  status: SignerStatus,
  process: { readonly version: string; readonly pid: number },
): StatusJson {
  return {
    version: process.version,
    pid: process.pid,
    startedAt: new Date(status.startedAtMs).toISOString(),
    validators: status.validators.map(validatorStatusJson),
  };
}

/** One validator of it. */
export function validatorStatusJson(status: ValidatorStatus): ValidatorStatusJson {
  const { name, chainId, fault, providers, floor, nodes, grpc } = status;
  const publicKey = ed25519PublicKey(status.publicKey);
  return {
    name,
    chainId,
    publicKey: publicKeyToJson(publicKey),
    address: addressToText(addressFromPublicKey(publicKey)),
    isInService: fault === undefined,
    fault: fault ?? null,
    providers: providers.map(providerHealthJson),
    floor: positionJson(floor),
    nodes,
    grpc: grpc ?? null,
  };
}
