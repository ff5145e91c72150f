/** New keys in a token: generated there, or brought in. Runs in the module's own process. */
import { bytesFromHex, hexFromBytes } from '@privval/proto/runtime/bytes';
import { CKR } from './ckr.ts';
import { type Attribute, type Cryptoki, call, ckrOfError, type Handle } from './cryptoki.ts';
import { CKA, CKK, CKM, CKO } from './cryptoki-numbers.ts';
import { type EcParamsEncoding, ecPointFromPublicKey, ed25519EcParams } from './ec-encoding.ts';
import { ImportRefusedError, KeyChangedError, KeyExistsError } from './key-errors.ts';
import { CallFailedError } from './module-errors.ts';
import { type NewKey, selectorText, type TokenKey } from './module-protocol.ts';
import { findPublicKeys, findUsableKey, hasObject, type Session } from './token-objects.ts';

/** Ids a key can get: 16 bits, without the two that devices have a meaning for. */
const ID_COUNT = 0xfffe;
/** How many ids are looked at for a free one. */
const MAX_ID_TRIES = 64;

/** What the two halves of a new key are called on the token. */
export interface KeyName {
  readonly label: string;
  readonly id: Uint8Array;
}

/**
 * Makes a key pair in the token and reads it back.
 *
 * @throws {KeyExistsError} ERR_PKCS11_KEY_EXISTS
 * @throws {CallFailedError} ERR_PKCS11_CALL_FAILED with what the token said to the last spelling of
 *   the curve.
 */
export function generateKey(session: Session, key: NewKey): TokenKey {
  const { cryptoki, handle } = session;
  const name = freeName(session, key);
  const mechanism = { mechanism: CKM.EC_EDWARDS_KEY_PAIR_GEN };
  inOneSpelling(key.encodings, (encoding) => {
    const publicTemplate = generatedPublicKey(name, encoding);
    const privateTemplate = generatedPrivateKey(name);
    return call('C_GenerateKeyPair', () =>
      cryptoki.C_GenerateKeyPair(handle, mechanism, publicTemplate, privateTemplate),
    );
  });
  return findUsableKey(session, { id: hexFromBytes(name.id) }).info;
}

/**
 * Puts a key into the token, both halves, and reads it back.
 *
 * @throws {KeyExistsError} ERR_PKCS11_KEY_EXISTS
 * @throws {ImportRefusedError} ERR_PKCS11_IMPORT_REFUSED
 */
export function importKey(
  session: Session,
  key: NewKey,
  pair: { readonly seed: Uint8Array; readonly publicKey: string },
): TokenKey {
  const { cryptoki, handle } = session;
  const name = freeName(session, key);
  const publicKey = bytesFromHex(pair.publicKey);
  const written: Handle[] = [];
  const write = (template: readonly Attribute[]): void => {
    written.push(call('C_CreateObject', () => cryptoki.C_CreateObject(handle, template)));
  };
  try {
    inOneSpelling(key.encodings, (encoding) => {
      destroy(cryptoki, handle, written.splice(0));
      write(importedPrivateKey(name, encoding, pair.seed));
      write(importedPublicKey(name, encoding, publicKey));
    });
    const { info } = findUsableKey(session, { id: hexFromBytes(name.id) });
    if (info.publicKey !== pair.publicKey) {
      throw new ImportRefusedError({ reason: 'it made another public key of it' });
    }
    return info;
  } catch (error) {
    destroy(cryptoki, handle, written);
    if (!(error instanceof CallFailedError)) throw error;
    throw new ImportRefusedError(error.details, { cause: error });
  }
}

/**
 * Takes a key away for good: the private half, and then the public ones of its id, which some tokens
 * take away with it.
 *
 * @throws {KeyChangedError} ERR_PKCS11_KEY_CHANGED when the key of this id is another one.
 * @throws what {@link findUsableKey} throws.
 */
export function removeKey(
  session: Session,
  key: { readonly id: string; readonly publicKey: string },
): void {
  const { cryptoki, handle } = session;
  const { privateKey: found, info } = findUsableKey(session, { id: key.id });
  if (info.publicKey !== key.publicKey) {
    const name = selectorText({ id: key.id });
    throw new KeyChangedError({ key: name, expected: key.publicKey, actual: info.publicKey });
  }
  const publicKeys = findPublicKeys(session, bytesFromHex(key.id));
  call('C_DestroyObject', () => cryptoki.C_DestroyObject(handle, found));
  destroy(cryptoki, handle, publicKeys);
}

/** The public half of a key the token makes. SoftHSM's and Yubico's modules both take these. */
export function generatedPublicKey(
  name: KeyName,
  encoding: EcParamsEncoding,
): readonly Attribute[] {
  return [...publicKey(name), { type: CKA.EC_PARAMS, value: ed25519EcParams(encoding) }];
}

/** The private half of a key the token makes: it signs, and never comes out. */
export function generatedPrivateKey(name: KeyName): readonly Attribute[] {
  return privateKey(name);
}

/** The private half of a key from outside. */
export function importedPrivateKey(
  name: KeyName,
  encoding: EcParamsEncoding,
  seed: Uint8Array,
): readonly Attribute[] {
  return [
    ...privateKey(name),
    { type: CKA.EC_PARAMS, value: ed25519EcParams(encoding) },
    { type: CKA.VALUE, value: seed },
  ];
}

/** The public half of a key from outside. */
export function importedPublicKey(
  name: KeyName,
  encoding: EcParamsEncoding,
  point: Uint8Array,
): readonly Attribute[] {
  return [
    ...generatedPublicKey(name, encoding),
    { type: CKA.EC_POINT, value: ecPointFromPublicKey(point) },
  ];
}

function publicKey({ label, id }: KeyName): readonly Attribute[] {
  return [
    { type: CKA.CLASS, value: CKO.PUBLIC_KEY },
    { type: CKA.KEY_TYPE, value: CKK.EC_EDWARDS },
    { type: CKA.TOKEN, value: true },
    { type: CKA.VERIFY, value: true },
    { type: CKA.LABEL, value: label },
    { type: CKA.ID, value: id },
  ];
}

function privateKey({ label, id }: KeyName): readonly Attribute[] {
  return [
    { type: CKA.CLASS, value: CKO.PRIVATE_KEY },
    { type: CKA.KEY_TYPE, value: CKK.EC_EDWARDS },
    { type: CKA.TOKEN, value: true },
    { type: CKA.PRIVATE, value: true },
    { type: CKA.SENSITIVE, value: true },
    { type: CKA.EXTRACTABLE, value: false },
    { type: CKA.SIGN, value: true },
    { type: CKA.LABEL, value: label },
    { type: CKA.ID, value: id },
  ];
}

/** What a token says to a spelling of the curve it does not know: then the next one is tried. */
const UNKNOWN_SPELLING: ReadonlySet<number | undefined> = new Set([
  CKR.CURVE_NOT_SUPPORTED,
  CKR.ATTRIBUTE_VALUE_INVALID,
  CKR.GENERAL_ERROR,
]);

function inOneSpelling<T>(
  encodings: readonly EcParamsEncoding[],
  attempt: (encoding: EcParamsEncoding) => T,
): T {
  let refusal: unknown;
  for (const encoding of encodings) {
    try {
      return attempt(encoding);
    } catch (error) {
      if (!UNKNOWN_SPELLING.has(ckrOfError(error))) throw error;
      refusal = error;
    }
  }
  throw refusal;
}

/** The label, if it is free, and the first id from `firstId` on that is. */
function freeName(session: Session, { label, firstId }: NewKey): KeyName {
  if (hasObject(session, { label })) throw new KeyExistsError({ key: JSON.stringify(label) });
  for (let i = 0; i < MAX_ID_TRIES; i++) {
    const id = idBytes(((firstId - 1 + i) % ID_COUNT) + 1);
    if (!hasObject(session, { id: hexFromBytes(id) })) return { label, id };
  }
  throw new KeyExistsError({
    key: `with one of the ids from 0x${hexFromBytes(idBytes(firstId))} on`,
  });
}

/** Two bytes: what Yubico's module makes the object's own id of. */
function idBytes(id: number): Uint8Array {
  return new Uint8Array([id >> 8, id & 0xff]);
}

function destroy(cryptoki: Cryptoki, session: Handle, objects: readonly Handle[]): void {
  for (const object of objects) {
    try {
      cryptoki.C_DestroyObject(session, object);
    } catch {
      // The error that led here is the one to tell.
    }
  }
}
