/** Commands for Yubico OTP: secrets of OTP tokens under a key of the device, and OTPs checked with them. */
import { createDecipheriv } from 'node:crypto';
import { openCcm, sealCcm } from '../crypto/aes-ccm.ts';
import { requireOfKey } from '../device/access.ts';
import { OTP_KEY_BYTES } from '../device/algorithm.ts';
import { concat, sameBytes } from '../device/bytes.ts';
import { CAPABILITY } from '../device/capability.ts';
import { DeviceFault, FAULT, orFault } from '../device/device-fault.ts';
import { OBJECT_TYPE } from '../device/object-type.ts';
import { type Material, ORIGIN } from '../device/stored-object.ts';
import type { CommandContext, CommandSpec } from './command-spec.ts';
import { createObject, readParams } from './create-object.ts';

/** AES key and private id of a token. */
const TOKEN_KEY_BYTES = 16;
const TOKEN_ID_BYTES = 6;
const TOKEN_BYTES = TOKEN_KEY_BYTES + TOKEN_ID_BYTES;

const NONCE_ID_BYTES = 4;
const NONCE_BYTES = 6;
const TAG_BYTES = 8;
const AEAD_BYTES = NONCE_BYTES + TOKEN_BYTES + TAG_BYTES;

const OTP_BYTES = 16;

/** What the CRC of an OTP's 16 bytes comes to, its own included. */
const CRC_RESIDUE = 0xf0b8;

/** In the order of their codes. */
export const OTP_COMMANDS: readonly CommandSpec[] = [
  {
    code: 0x60,
    name: 'DecryptOtp',
    capability: CAPABILITY.decryptOtp,
    run: (context, data) => {
      const key = keyOf(context, data.u16(), CAPABILITY.decryptOtp);
      const token = open(key, data.take(AEAD_BYTES));
      const otp = data.take(OTP_BYTES);
      data.end();
      return countersOf(token, otp);
    },
  },
  {
    code: 0x61,
    name: 'CreateOtpAead',
    capability: CAPABILITY.createOtpAead,
    run: (context, data) => {
      const key = keyOf(context, data.u16(), CAPABILITY.createOtpAead);
      const token = data.take(TOKEN_BYTES);
      data.end();
      return seal(context, key, token);
    },
  },
  {
    code: 0x62,
    name: 'RandomizeOtpAead',
    capability: CAPABILITY.randomizeOtpAead,
    run: (context, data) => {
      const key = keyOf(context, data.u16(), CAPABILITY.randomizeOtpAead);
      data.end();
      return seal(context, key, context.state.random(TOKEN_BYTES));
    },
  },
  {
    code: 0x63,
    name: 'RewrapOtpAead',
    capability: CAPABILITY.rewrapFromOtpAeadKey,
    run: (context, data) => {
      const from = keyOf(context, data.u16(), CAPABILITY.rewrapFromOtpAeadKey);
      const to = keyOf(context, data.u16(), CAPABILITY.rewrapToOtpAeadKey);
      const aead = data.take(AEAD_BYTES);
      data.end();
      return seal(context, to, open(from, aead));
    },
  },
  {
    code: 0x65,
    name: 'PutOtpAeadKey',
    capability: CAPABILITY.putOtpAeadKey,
    run: (context, data) => {
      const params = readParams(data);
      const object = { ...params, type: OBJECT_TYPE.otpAeadKey, origin: ORIGIN.imported };
      return createObject(context, object, () => {
        const nonceId = data.take(NONCE_ID_BYTES);
        const key = data.take(keyBytesOf(params.algorithm));
        data.end();
        return { kind: 'otp', nonceId, key };
      });
    },
  },
  {
    code: 0x66,
    name: 'GenerateOtpAeadKey',
    capability: CAPABILITY.generateOtpAeadKey,
    run: (context, data) => {
      const params = readParams(data);
      const nonceId = data.take(NONCE_ID_BYTES);
      data.end();
      const object = { ...params, type: OBJECT_TYPE.otpAeadKey, origin: ORIGIN.generated };
      return createObject(context, object, () => ({
        kind: 'otp',
        nonceId,
        key: context.state.random(keyBytesOf(params.algorithm)),
      }));
    },
  },
];

type OtpKey = Extract<Material, { readonly kind: 'otp' }>;

function keyOf(context: CommandContext, id: number, capability: bigint): OtpKey {
  context.concerns(id);
  const object = context.state.store.find(context.principal, OBJECT_TYPE.otpAeadKey, id);
  requireOfKey(object, capability);
  if (object.material.kind !== 'otp') throw new DeviceFault(FAULT.invalidData);
  return object.material;
}

function seal({ state }: CommandContext, key: OtpKey, token: Uint8Array): Uint8Array {
  const nonce = state.random(NONCE_BYTES);
  return concat(nonce, sealCcm(key.key, wholeNonce(key, nonce), token, TAG_BYTES));
}

function open(key: OtpKey, aead: Uint8Array): Uint8Array {
  const nonce = wholeNonce(key, aead.subarray(0, NONCE_BYTES));
  return orFault(FAULT.invalidData, () =>
    openCcm(key.key, nonce, aead.subarray(NONCE_BYTES), TAG_BYTES),
  );
}

function wholeNonce(key: OtpKey, nonce: Uint8Array): Uint8Array {
  return concat(key.nonceId, nonce, new Uint8Array(3));
}

/** Use counter, session counter, and both parts of the time. @throws {DeviceFault} 0f */
function countersOf(token: Uint8Array, otp: Uint8Array): Uint8Array {
  const decipher = createDecipheriv('aes-128-ecb', token.subarray(0, TOKEN_KEY_BYTES), null);
  const plain = Uint8Array.from(decipher.setAutoPadding(false).update(otp));
  const isToken = sameBytes(plain.subarray(0, TOKEN_ID_BYTES), token.subarray(TOKEN_KEY_BYTES));
  if (!isToken || crc16(plain) !== CRC_RESIDUE) throw new DeviceFault(FAULT.invalidOtp);
  const useCounter = plain.subarray(6, 8);
  const timestampLow = plain.subarray(8, 10);
  const timestampHigh = plain.subarray(10, 11);
  const sessionCounter = plain.subarray(11, 12);
  return concat(useCounter, sessionCounter, timestampHigh, timestampLow);
}

/** CRC-16 as ISO 13239 has it. */
function crc16(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x8408 : 0);
  }
  return crc;
}

function keyBytesOf(algorithm: number): number {
  const bytes = OTP_KEY_BYTES.get(algorithm);
  if (bytes === undefined) throw new DeviceFault(FAULT.invalidData);
  return bytes;
}
