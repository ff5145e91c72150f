/** Where an object came from, as the device remembers it. */
import { InvalidRequestError } from '../commands/invalid-request-error.ts';

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

const NAMES: ReadonlyMap<number, Origin> = new Map(
  Object.entries(CODES).map(([name, code]) => [code, name as Origin]),
);

/** The origin for a byte. Never refuses. */
export function originFromCode(code: number): Origin {
  return NAMES.get(code) ?? `origin-${code}`;
}

/** The byte for an origin. @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST for what is none. */
export function originCode(origin: Origin): number {
  const digits = /^origin-(0|[1-9]\d{0,2})$/.exec(origin)?.[1];
  const code = (CODES as Partial<Record<string, number>>)[origin] ?? Number(digits ?? Number.NaN);
  if (code <= 0xff) return code;
  throw new InvalidRequestError('origin', `'${origin}' is no origin`);
}
