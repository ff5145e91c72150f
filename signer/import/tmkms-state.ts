/** A floor of ours as a state file of tmkms, for a validator that goes back there. */
import { type FilePvState, StaleStateFileError } from '@privval/hsm/file/file-pv-state';
import { CodedError } from '@privval/proto/runtime/coded-error';
import { MAX_HEIGHT, MAX_ROUND, type Position } from '../guard/hrs.ts';

/** Nothing is above the floor. */
export class NothingLeftToSignError extends CodedError {
  override readonly name = 'NothingLeftToSignError';
  readonly code = 'ERR_NOTHING_LEFT_TO_SIGN';

  constructor() {
    super('the state stands at the last height there is: no signer can go on from it');
  }
}

/**
 * The state from which tmkms signs nothing that was signed at or below `state`.
 *
 * It is the beginning of the *next* round, not the position itself. tmkms keeps no sign bytes, and
 * at the position it stands at it signs again whatever names the same block, or nil where it knows
 * of none: given the position, tmkms 0.15 signed a nil precommit where a block had been signed.
 *
 * @throws {StaleStateFileError} ERR_STATE_FILE_STALE (S12)
 * @throws {NothingLeftToSignError} ERR_NOTHING_LEFT_TO_SIGN
 */
export function encodeTmkmsState(state: FilePvState): string {
  if (state.isStale) throw new StaleStateFileError();
  const { height, round } = after(state);
  return JSON.stringify({
    height: String(height),
    round: String(round),
    step: 0,
    block_id: null,
  });
}

function after({ height, round }: Position): Pick<Position, 'height' | 'round'> {
  if (round < MAX_ROUND) return { height, round: round + 1 };
  if (height === MAX_HEIGHT) throw new NothingLeftToSignError();
  return { height: height + 1n, round: 0 };
}
