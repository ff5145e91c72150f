/**
 * What the admin API, the metrics and the page ask of a running signer: one object that the composition
 * root builds, and that tests build from fakes. Nothing in `http/` reaches behind it.
 */
import type { AbortOptions } from '@privval/proto/runtime/abort';
import type { AuditLog } from './audit/audit-log.ts';
import type { ChainView } from './chain/chain-view.ts';
import type { Finding } from './doctor/finding.ts';
import type { SignStateStore } from './guard/sign-state-store.ts';
import type { ValidatorControl } from './guard/validator-control.ts';
import type { ImportResult, StateImport } from './home/home-state.ts';
import type { Act } from './http/access.ts';
import type { NodeJson, ReloadJson, WhyJson } from './http/admin-bodies.ts';
import type { StatusFeed } from './page/status-event.ts';
import type { RotationDesk } from './rotation/rotation-desk.ts';
import type { SignerStatus } from './signer-status.ts';

/** Validators' freezes and ceilings. Each change is durable and audited when it returns. */
export interface ControlDesk {
  control(validator: string): ValidatorControl;
  /** Resolves when no signature can leave any more (S34). Repeated: the first freeze stays. */
  freeze(
    validator: string,
    reason: string,
    act: Act,
    options?: AbortOptions,
  ): Promise<ValidatorControl>;
  /** @throws {FloorTooLowError} ERR_FLOOR_TOO_LOW while the witness wants the floor raised first (S36). */
  unfreeze(validator: string, act: Act): ValidatorControl;
  setHeightCeiling(validator: string, height: bigint | undefined, act: Act): ValidatorControl;
  /** Freeze and export in one transaction: a state file that is not stale (S34). */
  handOver(validator: string, act: Act, options?: AbortOptions): Promise<Uint8Array>;
}

/** Nodes at runtime. A change is in `signer.toml` before it takes effect; healthy connections stay. */
export interface NodeDesk {
  nodes(validator: string): readonly NodeJson[];
  add(
    validator: string,
    node: { readonly address: string | undefined; readonly rpc: string | undefined },
    act: Act,
  ): Promise<readonly NodeJson[]>;
  remove(validator: string, address: string, act: Act): Promise<readonly NodeJson[]>;
  /** Reads `signer.toml` anew; a bad file changes nothing and is told (S35). */
  reload(act: Act): Promise<ReloadJson>;
}

/** A running signer, for those who operate it. */
export interface Operations {
  readonly home: string;
  readonly store: SignStateStore;
  status(): SignerStatus;
  readonly controls: ControlDesk;
  readonly nodes: NodeDesk;
  readonly rotations: RotationDesk;
  readonly audit: AuditLog;
  /** Raises, audited; the limits and confirmations of S33 are looked at here. */
  raiseFloor(wanted: StateImport, act: Act): ImportResult;
  /** `undefined` where no RPC is configured. */
  chain(validator: string): ChainView | undefined;
  why(validator: string, height: bigint, options?: AbortOptions): Promise<WhyJson>;
  /** The part of `doctor` that only the daemon sees. */
  doctor(options?: AbortOptions): Promise<readonly Finding[]>;
  /** What the status page lives on, where it is served. */
  readonly feed?: StatusFeed | undefined;
}
