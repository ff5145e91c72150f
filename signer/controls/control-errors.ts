/** What can stand against a freeze, its end, or a hand-over. */
import { CodedError } from '@privval/proto/runtime/coded-error';

/** A stored freeze cannot be read: the home is not served, for it may be one that must hold. */
export class ControlDamagedError extends CodedError {
  override readonly name = 'ControlDamagedError';
  readonly code = 'ERR_CONTROL_DAMAGED';

  constructor(validator: string) {
    super(
      `the freeze stored for validator ${JSON.stringify(validator)} cannot be read: floor.db was changed from outside. ` +
        'Put the file back as it was, or make a new floor: signer state init --floor-height N',
    );
  }
}

/** The floor has to be raised first: the chain has seen a signature above it (S36). */
export class FloorTooLowError extends CodedError {
  override readonly name = 'FloorTooLowError';
  readonly code = 'ERR_FLOOR_TOO_LOW';

  constructor(validator: string, floor: bigint, wanted: bigint) {
    super(
      `the floor of validator ${JSON.stringify(validator)} stands at height ${floor}, and the chain shows a signature ` +
        `of its key that this signer does not know of: raise it to ${wanted} or above first: ` +
        `signer floor raise --validator ${validator} --height ${wanted} --confirm ${validator}`,
    );
  }
}
