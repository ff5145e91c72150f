/** What a running signer knows of itself: for the admin API, the metrics, an operator's eyes. */
import type { ProviderFault, ProviderHealth } from '@privval/hsm/key-provider';
import type { ChainId } from '@privval/proto/types/chain-id';
import type { GrpcStatus } from './connection/grpc-link.ts';
import type { LinkStatus } from './connection/node-link.ts';
import type { Floor } from './guard/sign-state-store.ts';

/** What is known of a validator now. */
export interface ValidatorStatus {
  readonly name: string;
  readonly chainId: ChainId;
  /** As the database binds it (S35). 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Why it is not served; `undefined` while it is. */
  readonly fault: ValidatorFault | undefined;
  /** The places its key is in, in the order of the configuration. */
  readonly providers: readonly ProviderHealth[];
  readonly floor: Floor;
  readonly nodes: readonly LinkStatus[];
  readonly grpc: GrpcStatus | undefined;
}

/** Why a validator is out of service. */
export type ValidatorFault = ProviderFault;

/** What is known of the signer now. */
export interface SignerStatus {
  /** Wall-clock milliseconds since 1970. */
  readonly startedAtMs: number;
  readonly validators: readonly ValidatorStatus[];
}
