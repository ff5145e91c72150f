/** What may enter a store: checked where it comes in, trusted inside. */
import { isValidPosition } from './hrs.ts';
import { InvalidFloorError } from './sign-state-errors.ts';
import type { Floor, ValidatorRecord } from './sign-state-store.ts';

/** Names of validators: they become parts of paths, URLs and metrics. */
const NAME = /^[A-Za-z0-9._-]{1,64}$/;

const SIGNATURE_BYTES = 64;
const PUBLIC_KEY_BYTES = 32;

/** @throws {InvalidFloorError} ERR_INVALID_FLOOR when a floor, or the validator it is for, contradicts itself. */
export function assertStorable(floor: Floor, record?: ValidatorRecord): void {
  const reason = unstorable(floor, record);
  if (reason !== undefined) throw new InvalidFloorError(reason);
}

function unstorable(floor: Floor, record: ValidatorRecord | undefined): string | undefined {
  if (record !== undefined && !NAME.test(record.name)) {
    return 'a validator\'s name has 1 to 64 letters, digits, ".", "_" or "-"';
  }
  if (record !== undefined && record.publicKey.length !== PUBLIC_KEY_BYTES) {
    return `a public key has 32 bytes, not ${record.publicKey.length}`;
  }
  if (!isValidPosition(floor)) {
    return `there is no height ${floor.height}, round ${floor.round}, step ${floor.step}`;
  }
  if (floor.signBytes?.length === 0) return 'sign bytes are never empty';
  if (floor.signBytes !== undefined && floor.step === 'none')
    return 'nothing is signed at step none';
  if (floor.signature !== undefined && floor.signBytes === undefined) {
    return 'it has a signature and not what was signed';
  }
  if (floor.signature !== undefined && floor.signature.length !== SIGNATURE_BYTES) {
    return `a signature has 64 bytes, not ${floor.signature.length}`;
  }
  if (floor.publicKey !== undefined && floor.publicKey.length !== PUBLIC_KEY_BYTES) {
    return `a public key has 32 bytes, not ${floor.publicKey.length}`;
  }
  return undefined;
}
