/** Slots and tokens of a module. Runs in the module's own process. */

import { CKR } from './ckr.ts';
import { type CkTokenInfo, type Cryptoki, call, ckrOfError, type Handle } from './cryptoki.ts';
import { CKF_MECHANISM, CKF_TOKEN, CKM } from './cryptoki-numbers.ts';
import type { TokenInfo } from './module-protocol.ts';
import { MechanismMissingError, TokenAmbiguousError, TokenNotFoundError } from './token-errors.ts';

/** What a slot without a token of this module answers. */
const ABSENT: ReadonlySet<number | undefined> = new Set([
  CKR.DEVICE_REMOVED,
  CKR.TOKEN_NOT_PRESENT,
  CKR.TOKEN_NOT_RECOGNIZED,
]);

/** A token and where it is plugged in. Slot numbers may change from start to start. */
export interface PluggedToken {
  readonly slot: Handle;
  readonly info: CkTokenInfo;
}

/** Every token the module shows, initialized or not. One that cannot be read hides no other. */
export function listTokens(cryptoki: Cryptoki): readonly TokenInfo[] {
  const { tokens, fault } = pluggedTokens(cryptoki);
  if (tokens.length === 0 && fault !== undefined) throw fault;
  return tokens.map((token) => describeToken(cryptoki, token));
}

/** A token in our words. */
export function describeToken(cryptoki: Cryptoki, token: PluggedToken): TokenInfo {
  const { info, slot } = token;
  return {
    label: unpadded(info.label),
    serial: unpadded(info.serialNumber),
    manufacturer: unpadded(info.manufacturerID),
    model: unpadded(info.model),
    isInitialized: isInitialized(token),
    signsEd25519: hasMechanism(cryptoki, slot, CKM.EDDSA, CKF_MECHANISM.SIGN),
  };
}

/**
 * The one initialized token of this label. Tokens that cannot be read count only where it is not
 * among the others: it may be one of them.
 *
 * @throws {TokenNotFoundError} ERR_PKCS11_TOKEN_NOT_FOUND
 * @throws {TokenAmbiguousError} ERR_PKCS11_TOKEN_AMBIGUOUS
 */
export function findToken(cryptoki: Cryptoki, label: string): PluggedToken {
  const { tokens: plugged, fault } = pluggedTokens(cryptoki);
  const tokens = plugged.filter(isInitialized);
  const labels = tokens.map(({ info }) => unpadded(info.label));
  const [found, ...others] = tokens.filter(({ info }) => unpadded(info.label) === label);
  if (found === undefined) throw fault ?? new TokenNotFoundError({ token: label, labels });
  if (others.length > 0) {
    const serials = [found, ...others].map(({ info }) => unpadded(info.serialNumber));
    throw new TokenAmbiguousError({ token: label, labels, serials });
  }
  return found;
}

/** @throws {MechanismMissingError} ERR_PKCS11_MECHANISM_MISSING unless the token signs with Ed25519 keys. */
export function requireSigning(cryptoki: Cryptoki, token: PluggedToken): void {
  requireMechanism(cryptoki, token, {
    mechanism: CKM.EDDSA,
    flag: CKF_MECHANISM.SIGN,
    name: 'CKM_EDDSA (0x1057) for signing',
  });
}

/** @throws {MechanismMissingError} ERR_PKCS11_MECHANISM_MISSING unless the token makes Ed25519 keys. */
export function requireKeyGeneration(cryptoki: Cryptoki, token: PluggedToken): void {
  requireMechanism(cryptoki, token, {
    mechanism: CKM.EC_EDWARDS_KEY_PAIR_GEN,
    flag: CKF_MECHANISM.GENERATE_KEY_PAIR,
    name: 'CKM_EC_EDWARDS_KEY_PAIR_GEN (0x1055)',
  });
}

function requireMechanism(
  cryptoki: Cryptoki,
  { slot, info }: PluggedToken,
  wanted: { readonly mechanism: number; readonly flag: number; readonly name: string },
): void {
  if (hasMechanism(cryptoki, slot, wanted.mechanism, wanted.flag)) return;
  throw new MechanismMissingError({ token: unpadded(info.label), mechanism: wanted.name });
}

function hasMechanism(cryptoki: Cryptoki, slot: Handle, mechanism: number, flag: number): boolean {
  try {
    const { flags } = call('C_GetMechanismInfo', () =>
      cryptoki.C_GetMechanismInfo(slot, mechanism),
    );
    return (flags & flag) !== 0;
  } catch (error) {
    if (ckrOfError(error) === CKR.MECHANISM_INVALID) return false;
    throw error;
  }
}

function pluggedTokens(cryptoki: Cryptoki): {
  readonly tokens: readonly PluggedToken[];
  /** Why the first that cannot be read cannot. */
  readonly fault: unknown;
} {
  const slots = call('C_GetSlotList', () => cryptoki.C_GetSlotList(true));
  let fault: unknown;
  const tokens = slots.flatMap((slot) => {
    try {
      return [{ slot, info: call('C_GetTokenInfo', () => cryptoki.C_GetTokenInfo(slot)) }];
    } catch (error) {
      // Taken out since, or never one of this module's.
      if (!ABSENT.has(ckrOfError(error))) fault ??= error;
      return [];
    }
  });
  return { tokens, fault };
}

function isInitialized({ info }: PluggedToken): boolean {
  return (info.flags & CKF_TOKEN.INITIALIZED) !== 0;
}

/** The standard pads with blanks; some modules pad with zeros. */
function unpadded(text: string): string {
  let end = text.length;
  while (end > 0 && (text[end - 1] === ' ' || text[end - 1] === '\0')) end -= 1;
  return text.slice(0, end);
}
