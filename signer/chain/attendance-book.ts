/** How our keys did at the last heights, as commits show it. */
import { addressFromPublicKey, ed25519PublicKey } from '@privval/proto/crypto/public-key';
import { equalBytes } from '@privval/proto/runtime/bytes';
import type { Attendance } from './chain-view.ts';
import type { SignedHeaderFacts } from './node-rpc.ts';

/** Heights that are kept. */
const MAX_HEIGHTS = 256n;

/**
 * How one of `keys` did in `commit`. Pure. `isMember`: whether one of them is in the set of that
 * height, `undefined` where the set is not known; looked at only where no signature is found.
 * Signatures are not verified here: a source that lies about them changes a picture, nothing else.
 */
export function attendanceIn(
  commit: SignedHeaderFacts,
  keys: readonly Uint8Array[],
  member: Uint8Array | 'none' | undefined,
): Attendance {
  const { height, isCanonical: isFinal } = commit;
  for (const publicKey of keys) {
    const address = addressFromPublicKey(ed25519PublicKey(publicKey));
    const found = commit.signatures.find((signature) => equalBytes(signature.address, address));
    if (found === undefined) continue;
    return { height, state: found.flag === 'block' ? 'signed' : 'nil', publicKey, isFinal };
  }
  if (member === 'none') return { height, state: 'not-in-set', publicKey: undefined, isFinal };
  if (member === undefined) return { height, state: 'unknown', publicKey: undefined, isFinal };
  return { height, state: isFinal ? 'absent' : 'unknown', publicKey: member, isFinal };
}

/** The newest 256 heights. A final word on a height stays. */
export class AttendanceBook {
  readonly #byHeight = new Map<bigint, Attendance>();

  note(attendance: Attendance): void {
    if (this.#byHeight.get(attendance.height)?.isFinal === true) return;
    this.#byHeight.set(attendance.height, attendance);
    for (const height of this.#byHeight.keys()) {
      if (height > attendance.height - MAX_HEIGHTS) continue;
      this.#byHeight.delete(height);
    }
  }

  /** Ascending. */
  from(height: bigint): readonly Attendance[] {
    return [...this.#byHeight.values()]
      .filter((attendance) => attendance.height >= height)
      .sort((a, b) => (a.height < b.height ? -1 : 1));
  }
}
