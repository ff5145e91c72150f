/** Where an object came from, as the device remembers it. */
import { namedBytes } from './named-bytes.ts';

const CODES = {
  generated: 0x01,
  imported: 0x02,
  'generated-then-wrapped': 0x11,
  'imported-then-wrapped': 0x12,
} as const;

/**
 * `generated` on a device, or `imported` into one in the clear; `…-then-wrapped` when it since came
 * through ImportWrapped. `origin-N` (decimal) for anything else.
 */
export type Origin = keyof typeof CODES | `origin-${number}`;

const BYTES = namedBytes('origin', CODES);

/** The byte for an origin. @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST for what is none. */
export function originCode(origin: Origin): number {
  return BYTES.code(origin);
}

/** The origin for a byte. Never refuses: newer firmware may have more. */
export function originFromCode(code: number): Origin {
  return BYTES.name(code);
}
