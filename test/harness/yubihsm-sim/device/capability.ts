/** The capability bits that have a name. The others are stored and given back as they are. */

/** From bit 0 on. */
const NAMES = [
  'getOpaque',
  'putOpaque',
  'putAuthenticationKey',
  'putAsymmetricKey',
  'generateAsymmetricKey',
  'signPkcs',
  'signPss',
  'signEcdsa',
  'signEddsa',
  'decryptPkcs',
  'decryptOaep',
  'deriveEcdh',
  'exportWrapped',
  'importWrapped',
  'putWrapKey',
  'generateWrapKey',
  'exportableUnderWrap',
  'setOption',
  'getOption',
  'getPseudoRandom',
  'putHmacKey',
  'generateHmacKey',
  'signHmac',
  'verifyHmac',
  'getLogEntries',
  'signSshCertificate',
  'getTemplate',
  'putTemplate',
  'resetDevice',
  'decryptOtp',
  'createOtpAead',
  'randomizeOtpAead',
  'rewrapFromOtpAeadKey',
  'rewrapToOtpAeadKey',
  'signAttestationCertificate',
  'putOtpAeadKey',
  'generateOtpAeadKey',
  'wrapData',
  'unwrapData',
  'deleteOpaque',
  'deleteAuthenticationKey',
  'deleteAsymmetricKey',
  'deleteWrapKey',
  'deleteHmacKey',
  'deleteTemplate',
  'deleteOtpAeadKey',
  'changeAuthenticationKey',
  'putSymmetricKey',
  'generateSymmetricKey',
  'deleteSymmetricKey',
  'decryptEcb',
  'encryptEcb',
  'decryptCbc',
  'encryptCbc',
  'putPublicWrapKey',
  'deletePublicWrapKey',
] as const;

/** A capability by the vendor's name. */
export type CapabilityName = (typeof NAMES)[number];

/** One bit each. */
export const CAPABILITY: Readonly<Record<CapabilityName, bigint>> = Object.fromEntries(
  NAMES.map((name, bit) => [name, 1n << BigInt(bit)]),
) as Record<CapabilityName, bigint>;

/** All 64 bits: what the factory's authentication key holds. */
export const ALL_CAPABILITIES = 0xffff_ffff_ffff_ffffn;
