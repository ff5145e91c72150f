/** What a module's return values are called, and what follows from each. Pure tables. */
import type { Remedy } from '../key-provider.ts';

/** Return values that are decided by, under the standard's names. */
export const CKR = {
  HOST_MEMORY: 0x2,
  GENERAL_ERROR: 0x5,
  FUNCTION_FAILED: 0x6,
  ARGUMENTS_BAD: 0x7,
  CANT_LOCK: 0xa,
  ATTRIBUTE_SENSITIVE: 0x11,
  ATTRIBUTE_TYPE_INVALID: 0x12,
  ATTRIBUTE_VALUE_INVALID: 0x13,
  DATA_LEN_RANGE: 0x21,
  DEVICE_ERROR: 0x30,
  DEVICE_MEMORY: 0x31,
  DEVICE_REMOVED: 0x32,
  FUNCTION_CANCELED: 0x50,
  KEY_HANDLE_INVALID: 0x60,
  KEY_FUNCTION_NOT_PERMITTED: 0x68,
  MECHANISM_INVALID: 0x70,
  OBJECT_HANDLE_INVALID: 0x82,
  OPERATION_ACTIVE: 0x90,
  PIN_INCORRECT: 0xa0,
  PIN_EXPIRED: 0xa3,
  PIN_LOCKED: 0xa4,
  SESSION_CLOSED: 0xb0,
  SESSION_COUNT: 0xb1,
  SESSION_HANDLE_INVALID: 0xb3,
  TOKEN_NOT_PRESENT: 0xe0,
  TOKEN_NOT_RECOGNIZED: 0xe1,
  TOKEN_WRITE_PROTECTED: 0xe2,
  USER_ALREADY_LOGGED_IN: 0x100,
  USER_NOT_LOGGED_IN: 0x101,
  USER_PIN_NOT_INITIALIZED: 0x102,
  CURVE_NOT_SUPPORTED: 0x140,
  CRYPTOKI_NOT_INITIALIZED: 0x190,
  CRYPTOKI_ALREADY_INITIALIZED: 0x191,
  FUNCTION_REJECTED: 0x200,
} as const;

/** Every value of PKCS#11 3.1, by number, without the prefix. */
const NAMES: ReadonlyMap<number, string> = new Map([
  [0x0, 'OK'],
  [0x1, 'CANCEL'],
  [0x2, 'HOST_MEMORY'],
  [0x3, 'SLOT_ID_INVALID'],
  [0x5, 'GENERAL_ERROR'],
  [0x6, 'FUNCTION_FAILED'],
  [0x7, 'ARGUMENTS_BAD'],
  [0x8, 'NO_EVENT'],
  [0x9, 'NEED_TO_CREATE_THREADS'],
  [0xa, 'CANT_LOCK'],
  [0x10, 'ATTRIBUTE_READ_ONLY'],
  [0x11, 'ATTRIBUTE_SENSITIVE'],
  [0x12, 'ATTRIBUTE_TYPE_INVALID'],
  [0x13, 'ATTRIBUTE_VALUE_INVALID'],
  [0x1b, 'ACTION_PROHIBITED'],
  [0x20, 'DATA_INVALID'],
  [0x21, 'DATA_LEN_RANGE'],
  [0x30, 'DEVICE_ERROR'],
  [0x31, 'DEVICE_MEMORY'],
  [0x32, 'DEVICE_REMOVED'],
  [0x40, 'ENCRYPTED_DATA_INVALID'],
  [0x41, 'ENCRYPTED_DATA_LEN_RANGE'],
  [0x42, 'AEAD_DECRYPT_FAILED'],
  [0x50, 'FUNCTION_CANCELED'],
  [0x51, 'FUNCTION_NOT_PARALLEL'],
  [0x54, 'FUNCTION_NOT_SUPPORTED'],
  [0x60, 'KEY_HANDLE_INVALID'],
  [0x62, 'KEY_SIZE_RANGE'],
  [0x63, 'KEY_TYPE_INCONSISTENT'],
  [0x64, 'KEY_NOT_NEEDED'],
  [0x65, 'KEY_CHANGED'],
  [0x66, 'KEY_NEEDED'],
  [0x67, 'KEY_INDIGESTIBLE'],
  [0x68, 'KEY_FUNCTION_NOT_PERMITTED'],
  [0x69, 'KEY_NOT_WRAPPABLE'],
  [0x6a, 'KEY_UNEXTRACTABLE'],
  [0x70, 'MECHANISM_INVALID'],
  [0x71, 'MECHANISM_PARAM_INVALID'],
  [0x82, 'OBJECT_HANDLE_INVALID'],
  [0x90, 'OPERATION_ACTIVE'],
  [0x91, 'OPERATION_NOT_INITIALIZED'],
  [0xa0, 'PIN_INCORRECT'],
  [0xa1, 'PIN_INVALID'],
  [0xa2, 'PIN_LEN_RANGE'],
  [0xa3, 'PIN_EXPIRED'],
  [0xa4, 'PIN_LOCKED'],
  [0xb0, 'SESSION_CLOSED'],
  [0xb1, 'SESSION_COUNT'],
  [0xb3, 'SESSION_HANDLE_INVALID'],
  [0xb4, 'SESSION_PARALLEL_NOT_SUPPORTED'],
  [0xb5, 'SESSION_READ_ONLY'],
  [0xb6, 'SESSION_EXISTS'],
  [0xb7, 'SESSION_READ_ONLY_EXISTS'],
  [0xb8, 'SESSION_READ_WRITE_SO_EXISTS'],
  [0xc0, 'SIGNATURE_INVALID'],
  [0xc1, 'SIGNATURE_LEN_RANGE'],
  [0xd0, 'TEMPLATE_INCOMPLETE'],
  [0xd1, 'TEMPLATE_INCONSISTENT'],
  [0xe0, 'TOKEN_NOT_PRESENT'],
  [0xe1, 'TOKEN_NOT_RECOGNIZED'],
  [0xe2, 'TOKEN_WRITE_PROTECTED'],
  [0xf0, 'UNWRAPPING_KEY_HANDLE_INVALID'],
  [0xf1, 'UNWRAPPING_KEY_SIZE_RANGE'],
  [0xf2, 'UNWRAPPING_KEY_TYPE_INCONSISTENT'],
  [0x100, 'USER_ALREADY_LOGGED_IN'],
  [0x101, 'USER_NOT_LOGGED_IN'],
  [0x102, 'USER_PIN_NOT_INITIALIZED'],
  [0x103, 'USER_TYPE_INVALID'],
  [0x104, 'USER_ANOTHER_ALREADY_LOGGED_IN'],
  [0x105, 'USER_TOO_MANY_TYPES'],
  [0x110, 'WRAPPED_KEY_INVALID'],
  [0x112, 'WRAPPED_KEY_LEN_RANGE'],
  [0x113, 'WRAPPING_KEY_HANDLE_INVALID'],
  [0x114, 'WRAPPING_KEY_SIZE_RANGE'],
  [0x115, 'WRAPPING_KEY_TYPE_INCONSISTENT'],
  [0x120, 'RANDOM_SEED_NOT_SUPPORTED'],
  [0x121, 'RANDOM_NO_RNG'],
  [0x130, 'DOMAIN_PARAMS_INVALID'],
  [0x140, 'CURVE_NOT_SUPPORTED'],
  [0x150, 'BUFFER_TOO_SMALL'],
  [0x160, 'SAVED_STATE_INVALID'],
  [0x170, 'INFORMATION_SENSITIVE'],
  [0x180, 'STATE_UNSAVEABLE'],
  [0x190, 'CRYPTOKI_NOT_INITIALIZED'],
  [0x191, 'CRYPTOKI_ALREADY_INITIALIZED'],
  [0x1a0, 'MUTEX_BAD'],
  [0x1a1, 'MUTEX_NOT_LOCKED'],
  [0x1b0, 'NEW_PIN_MODE'],
  [0x1b1, 'NEXT_OTP'],
  [0x1b5, 'EXCEEDED_MAX_ITERATIONS'],
  [0x1b6, 'FIPS_SELF_TEST_FAILED'],
  [0x1b7, 'LIBRARY_LOAD_FAILED'],
  [0x1b8, 'PIN_TOO_WEAK'],
  [0x1b9, 'PUBLIC_KEY_INVALID'],
  [0x200, 'FUNCTION_REJECTED'],
  [0x201, 'TOKEN_RESOURCE_EXCEEDED'],
  [0x202, 'OPERATION_CANCEL_FAILED'],
  [0x203, 'KEY_EXHAUSTED'],
]);

/** Values from here on are the vendor's own. */
const VENDOR_DEFINED = 0x8000_0000;

/** `CKR_DEVICE_REMOVED (0x32)`; `CKR_VENDOR_DEFINED` and `CKR_UNKNOWN` for numbers the standard does not name. */
export function ckrText(ckr: number): string {
  const name = NAMES.get(ckr) ?? (ckr >= VENDOR_DEFINED ? 'VENDOR_DEFINED' : 'UNKNOWN');
  return `CKR_${name} (0x${ckr.toString(16)})`;
}

/**
 * What may be tried within one request, once: `reopen`: throw session and handles away, open, log
 * in and find the key again; `initialize`: that, after `C_Initialize`. A signature may be asked for
 * again only over the same bytes (S30).
 */
export type Recovery = 'reopen' | 'initialize' | 'none';

const REOPEN: ReadonlySet<number> = new Set([
  CKR.DEVICE_ERROR,
  CKR.DEVICE_REMOVED,
  CKR.KEY_HANDLE_INVALID,
  CKR.OBJECT_HANDLE_INVALID,
  // Of an operation that an earlier failure left behind: a new session has none.
  CKR.OPERATION_ACTIVE,
  CKR.SESSION_CLOSED,
  CKR.SESSION_HANDLE_INVALID,
  CKR.TOKEN_NOT_PRESENT,
  CKR.USER_NOT_LOGGED_IN,
]);

/** What may be tried after this value. */
export function recoveryOf(ckr: number): Recovery {
  if (ckr === CKR.CRYPTOKI_NOT_INITIALIZED) return 'initialize';
  return REOPEN.has(ckr) ? 'reopen' : 'none';
}

const HEALED_BY_TIME: ReadonlySet<number> = new Set([
  ...REOPEN,
  CKR.CRYPTOKI_NOT_INITIALIZED,
  CKR.FUNCTION_CANCELED,
  CKR.FUNCTION_FAILED,
  CKR.GENERAL_ERROR,
  CKR.HOST_MEMORY,
  CKR.SESSION_COUNT,
  CKR.TOKEN_NOT_RECOGNIZED,
]);

/** What ends this fault, outside of `C_Login`. */
export function remedyOfCkr(ckr: number): Remedy {
  return HEALED_BY_TIME.has(ckr) ? 'wait' : 'repair';
}

/**
 * Whether `C_Login` came to no verdict about the PIN: trying again is then no second try of a wrong
 * one. Anything else is taken for a refusal, whatever the vendor calls it: tokens lock themselves.
 */
export function isLoginUndecided(ckr: number): boolean {
  return ckr !== CKR.OBJECT_HANDLE_INVALID && HEALED_BY_TIME.has(ckr);
}

const ADVICE: ReadonlyMap<number, string> = new Map([
  [CKR.GENERAL_ERROR, 'see the module’s own configuration and log'],
  [CKR.FUNCTION_FAILED, 'see the module’s own configuration and log'],
  [CKR.ARGUMENTS_BAD, 'see the module’s own configuration'],
  [CKR.DATA_LEN_RANGE, 'the message is longer than this token signs'],
  [CKR.DEVICE_MEMORY, 'the token is full, or its log is'],
  [CKR.DEVICE_REMOVED, 'plug the token in, or start the service it is reached by'],
  [CKR.TOKEN_NOT_PRESENT, 'plug the token in, or start the service it is reached by'],
  [CKR.KEY_FUNCTION_NOT_PERMITTED, 'the key or this user may not do that: see its attributes'],
  [CKR.FUNCTION_REJECTED, 'the key or this user may not do that: see its attributes'],
  [CKR.MECHANISM_INVALID, 'the token does not do Ed25519'],
  [CKR.CURVE_NOT_SUPPORTED, 'the token does not know this curve, or spells it in another way'],
  [CKR.SESSION_COUNT, 'other programs hold all of the token’s sessions: close some'],
  [CKR.TOKEN_WRITE_PROTECTED, 'the token takes no new objects'],
  [CKR.PIN_LOCKED, 'unlock it with the token’s own tool and its security officer PIN'],
  [CKR.PIN_EXPIRED, 'set a new PIN with the token’s own tool'],
  [CKR.USER_PIN_NOT_INITIALIZED, 'set a user PIN with the token’s own tool'],
]);

/** What to do about it, as the end of a sentence; `undefined` where nothing general can be said. */
export function ckrAdvice(ckr: number): string | undefined {
  return ADVICE.get(ckr);
}
