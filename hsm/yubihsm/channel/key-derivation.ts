/** The derivation function of SCP03, in the one shape a YubiHSM uses: a single CMAC. */
import { InvariantError } from '../invariant-error.ts';
import { aesCmac } from './aes-cmac.ts';

/** What a derived value is for; the byte that keeps them apart. */
export const DERIVATION = {
  cardCryptogram: 0x00,
  hostCryptogram: 0x01,
  sessionEncKey: 0x04,
  sessionMacKey: 0x06,
  sessionRmacKey: 0x07,
} as const;

/** Bytes before the context: eleven zeros, the type, a zero, the length in bits, the counter. */
const PREFIX_BYTES = 16;

/** Derives `bits` bits, at most 128 and whole bytes, from an AES key. `type` is one of {@link DERIVATION}. */
export function deriveKey(
  key: Uint8Array,
  type: number,
  context: Uint8Array,
  bits: number,
): Uint8Array {
  if (bits % 8 !== 0 || bits < 8 || bits > 128) {
    throw new InvariantError(`${bits} bits cannot be derived`);
  }
  const input = new Uint8Array(PREFIX_BYTES + context.length);
  input[11] = type;
  input[14] = bits;
  input[15] = 1;
  input.set(context, PREFIX_BYTES);
  return aesCmac(key, input).subarray(0, bits / 8);
}
