/** Commands about asymmetric keys: making them, and signing with them. */
import { type AlgorithmName, algorithmFromCode, publicKeyBytes } from '../objects/algorithm.ts';
import { encodeObjectId } from '../objects/object-id.ts';
import { encodeObjectParams, type ObjectParams } from '../objects/object-params.ts';
import { type ObjectType, objectTypeCode } from '../objects/object-type.ts';
import type { Command } from './command.ts';
import { makeCommand, readId, readRest } from './make-command.ts';
import type { ReplyReader } from './reply-reader.ts';
import { joinBytes, sized, uint8 } from './wire-bytes.ts';

/** The public half of a key. */
export interface PublicKeyReply {
  readonly algorithm: AlgorithmName;
  /** Ed25519: 32 bytes. Curves: `X ‖ Y` without a prefix. RSA: the modulus. */
  readonly key: Uint8Array;
}

/** Bytes of a secret key to be imported, where they are fixed: an Ed25519 seed, a scalar. */
const SECRET_KEY_BYTES: ReadonlyMap<AlgorithmName, number> = new Map<AlgorithmName, number>([
  ['ed25519', 32],
  ['eck256', 32],
  ['ecp224', 28],
  ['ecp256', 32],
  ['ecp384', 48],
  ['ecp521', 66],
  ['ecbp256', 32],
  ['ecbp384', 48],
  ['ecbp512', 64],
  ['rsa2048', 256],
  ['rsa3072', 384],
  ['rsa4096', 512],
]);

/**
 * Imports a key; the reply is its id. Ed25519: the 32-byte seed. Curves: the scalar. RSA: `p ‖ q`.
 * Needs put-asymmetric-key.
 *
 * @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST
 */
export function putAsymmetricKey(params: ObjectParams, secretKey: Uint8Array): Command<number> {
  const length = SECRET_KEY_BYTES.get(params.algorithm);
  const key = length === undefined ? secretKey : sized('secretKey', secretKey, [length]);
  return makeCommand('PutAsymmetricKey', joinBytes(encodeObjectParams(params), key), readId);
}

/** Makes a key on the device; the reply is its id. Needs generate-asymmetric-key. @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST */
export function generateAsymmetricKey(params: ObjectParams): Command<number> {
  return makeCommand('GenerateAsymmetricKey', encodeObjectParams(params), readId);
}

/**
 * The public half of a key. `type` is for keys other than asymmetric ones, firmware 2.4 and later.
 *
 * @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST
 */
export function getPublicKey(id: number, type?: ObjectType): Command<PublicKeyReply> {
  const suffix = type === undefined ? [] : [uint8('type', objectTypeCode(type))];
  return makeCommand('GetPublicKey', joinBytes(encodeObjectId(id), ...suffix), (reader) => {
    const algorithm = algorithmFromCode(reader.uint8());
    const key = reader.rest();
    const length = publicKeyBytes(algorithm);
    if (key.length === 0 || (length !== undefined && key.length !== length)) {
      reader.fail(`${key.length} bytes are no public key of ${algorithm}`);
    }
    return { algorithm, key };
  });
}

/**
 * Signs `message` itself (pure Ed25519); the reply is `R ‖ S`, 64 bytes. The message is at most 2019
 * bytes before firmware 2.4: the client refuses a longer one. Needs sign-eddsa, of the key too.
 *
 * @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST
 */
export function signEddsa(keyId: number, message: Uint8Array): Command<Uint8Array> {
  return makeCommand('SignEddsa', joinBytes(encodeObjectId(keyId, 'keyId'), message), (reader) =>
    reader.bytes(64),
  );
}

/**
 * Signs a digest (the device does not hash); the reply is DER, with no rule about a low S: see
 * {@link compactSecp256k1Signature}. Needs sign-ecdsa, of the key too.
 *
 * @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST
 */
export function signEcdsa(keyId: number, digest: Uint8Array): Command<Uint8Array> {
  const data = joinBytes(
    encodeObjectId(keyId, 'keyId'),
    sized('digest', digest, [20, 28, 32, 48, 64, 66]),
  );
  return makeCommand('SignEcdsa', data, readSequence);
}

/**
 * Lets the device state in an X.509 certificate (DER) what it knows of a key: see
 * {@link readAttestation}. `attestingKeyId` 0 is the factory's; another one needs an opaque certificate of
 * the same id as its template. Needs sign-attestation-certificate.
 *
 * @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST
 */
export function signAttestationCertificate(
  keyId: number,
  attestingKeyId: number,
): Command<Uint8Array> {
  const data = joinBytes(
    encodeObjectId(keyId, 'keyId'),
    encodeObjectId(attestingKeyId, 'attestingKeyId'),
  );
  return makeCommand('SignAttestationCertificate', data, readSequence);
}

/** Both replies are one DER sequence; what is in it is its reader's business. */
function readSequence(reader: ReplyReader): Uint8Array {
  const der = readRest(reader);
  if (der[0] !== 0x30) reader.fail('it is no DER sequence');
  return der;
}
