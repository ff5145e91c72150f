/** Object types, as numbers on the wire. */
import { CAPABILITY } from './capability.ts';

/** By the vendor's names. */
export const OBJECT_TYPE = {
  opaque: 1,
  authenticationKey: 2,
  asymmetricKey: 3,
  wrapKey: 4,
  hmacKey: 5,
  template: 6,
  otpAeadKey: 7,
  symmetricKey: 8,
  publicWrapKey: 9,
} as const;

/** What it takes to delete an object of each type. */
export const DELETE_CAPABILITY: ReadonlyMap<number, bigint> = new Map([
  [OBJECT_TYPE.opaque, CAPABILITY.deleteOpaque],
  [OBJECT_TYPE.authenticationKey, CAPABILITY.deleteAuthenticationKey],
  [OBJECT_TYPE.asymmetricKey, CAPABILITY.deleteAsymmetricKey],
  [OBJECT_TYPE.wrapKey, CAPABILITY.deleteWrapKey],
  [OBJECT_TYPE.hmacKey, CAPABILITY.deleteHmacKey],
  [OBJECT_TYPE.template, CAPABILITY.deleteTemplate],
  [OBJECT_TYPE.otpAeadKey, CAPABILITY.deleteOtpAeadKey],
  [OBJECT_TYPE.symmetricKey, CAPABILITY.deleteSymmetricKey],
  [OBJECT_TYPE.publicWrapKey, CAPABILITY.deletePublicWrapKey],
]);
