/**
 * Numbers of the standard (PKCS#11 3.1) by its own names, as far as they are used here. The binding
 * knows none of those for Edwards curves.
 */

/** Mechanisms. `EDDSA` without a parameter is pure Ed25519, what Tendermint needs: never give it one. */
export const CKM = { EC_EDWARDS_KEY_PAIR_GEN: 0x1055, EDDSA: 0x1057 } as const;

/** Classes of objects. */
export const CKO = { PUBLIC_KEY: 2, PRIVATE_KEY: 3 } as const;

/** Types of keys. */
export const CKK = { RSA: 0x0, EC: 0x3, EC_EDWARDS: 0x40, EC_MONTGOMERY: 0x41 } as const;

/** Attributes of objects. */
export const CKA = {
  CLASS: 0x0,
  TOKEN: 0x1,
  PRIVATE: 0x2,
  LABEL: 0x3,
  VALUE: 0x11,
  KEY_TYPE: 0x100,
  ID: 0x102,
  SENSITIVE: 0x103,
  SIGN: 0x108,
  VERIFY: 0x10a,
  EXTRACTABLE: 0x162,
  LOCAL: 0x163,
  EC_PARAMS: 0x180,
  EC_POINT: 0x181,
} as const;

/** Flags of `C_Initialize`: the module may use the operating system's own locks. */
export const CKF_OS_LOCKING_OK = 0x2;

/** Flags of a session. */
export const CKF_SESSION = { READ_WRITE: 0x2, SERIAL: 0x4 } as const;

/** Flags of a token. */
export const CKF_TOKEN = {
  INITIALIZED: 0x400,
  USER_PIN_FINAL_TRY: 0x2_0000,
  USER_PIN_LOCKED: 0x4_0000,
} as const;

/** Flags of a mechanism. */
export const CKF_MECHANISM = { SIGN: 0x800, GENERATE_KEY_PAIR: 0x1_0000 } as const;

/** The user who signs, in `C_Login`. */
export const CKU_USER = 1;
