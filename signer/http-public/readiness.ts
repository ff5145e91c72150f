/** Whether the signer signs, for load balancers and start scripts. */
import type { Operations } from '../operations.ts';
import type { ValidatorStatus } from '../signer-status.ts';

/** Why a validator is not ready: words, for whoever asks may be anybody. */
export type NotReady = 'no-node' | 'no-key' | 'frozen' | 'held' | 'store';

/** Per validator; an empty list is ready. */
export type Readiness = ReadonlyMap<string, readonly NotReady[]>;

/**
 * A validator is ready with a node that asks, a usable key, no freeze and no rotation on hold.
 *
 * @throws what reading the rotations throws while the store is broken.
 */
export function readinessOf(operations: Operations): Readiness {
  return new Map(
    operations.status().validators.map((status) => [status.name, reasonsOf(operations, status)]),
  );
}

/** The same of one. */
export function reasonsOf(operations: Operations, status: ValidatorStatus): readonly NotReady[] {
  const reasons: NotReady[] = [];
  if (!isAsked(status)) reasons.push('no-node');
  if (status.fault !== undefined || !hasKey(status)) reasons.push('no-key');
  if (operations.controls.control(status.name).freeze !== undefined) reasons.push('frozen');
  if (operations.store.fault !== undefined) reasons.push('store');
  // A broken store reads nothing: what it says about itself is enough.
  else if (operations.rotations.status(status.name).state === 'held') reasons.push('held');
  return reasons;
}

function isAsked({ nodes, grpc }: ValidatorStatus): boolean {
  if (nodes.some(({ state }) => state === 'serving')) return true;
  return grpc !== undefined && grpc.state === 'listening' && grpc.requests > 0;
}

function hasKey({ providers }: ValidatorStatus): boolean {
  return providers.some(({ state }) => state !== 'out-of-service');
}
