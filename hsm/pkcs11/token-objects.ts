/** Keys of a token, found and read. Runs in the module's own process. */
import { bytesFromHex, equalBytes, hexFromBytes } from '@privval/proto/runtime/bytes';
import { CKR } from './ckr.ts';
import { type Attribute, type Cryptoki, call, ckrOfError, type Handle } from './cryptoki.ts';
import { CKA, CKK, CKO } from './cryptoki-numbers.ts';
import { curveFromEcParams, publicKeyFromEcPoint } from './ec-encoding.ts';
import { KeyAmbiguousError, KeyNotFoundError, KeyUnsuitableError } from './key-errors.ts';
import { type KeySelector, selectorText, type TokenKey } from './module-protocol.ts';

/** How many objects are asked for at a time. */
const FIND_BATCH = 64;

/** A module and an open session of it. */
export interface Session {
  readonly cryptoki: Cryptoki;
  readonly handle: Handle;
}

/** A private key that can sign for a validator. */
export interface UsableKey {
  readonly privateKey: Handle;
  readonly info: TokenKey & { readonly publicKey: string };
}

/** Every private key this user sees. */
export function listKeys(session: Session): readonly TokenKey[] {
  return findPrivateKeys(session, []).map((key) => describeKey(session, key));
}

/**
 * The key a validator signs with: one, of Ed25519, that may sign and whose public half is known.
 *
 * @throws {KeyNotFoundError} ERR_PKCS11_KEY_NOT_FOUND
 * @throws {KeyAmbiguousError} ERR_PKCS11_KEY_AMBIGUOUS
 * @throws {KeyUnsuitableError} ERR_PKCS11_KEY_UNSUITABLE
 */
export function findUsableKey(session: Session, selector: KeySelector): UsableKey {
  const key = selectorText(selector);
  const handles = findPrivateKeys(session, [selectorAttribute(selector)]);
  if (handles.length === 0) {
    throw new KeyNotFoundError({ key, labels: listKeys(session).map(({ label }) => label) });
  }
  const found = handles.map((privateKey) => ({
    privateKey,
    info: describeKey(session, privateKey),
  }));
  // A certificate's RSA key of the same name is in nobody's way.
  const [first, ...others] = found.filter(({ info }) => info.type === 'ed25519');
  if (first === undefined) {
    const types = found.map(({ info }) => info.type).join(', ');
    throw new KeyUnsuitableError({ key, reason: `it is of type ${types}, not ed25519` });
  }
  if (others.length > 0) {
    throw new KeyAmbiguousError({ key, ids: [first, ...others].map(({ info }) => info.id) });
  }
  return usable(first.privateKey, first.info, key);
}

/** The public keys of this CKA_ID. */
export function findPublicKeys(session: Session, id: Uint8Array): readonly Handle[] {
  const template = [
    { type: CKA.CLASS, value: CKO.PUBLIC_KEY },
    { type: CKA.ID, value: id },
  ];
  return findObjects(session, template);
}

/** Whether any object of the token has this label or id. */
export function hasObject(session: Session, selector: KeySelector): boolean {
  return findObjects(session, [selectorAttribute(selector)]).length > 0;
}

/** A private key in our words. */
export function describeKey(session: Session, privateKey: Handle): TokenKey {
  const read = (type: number): Uint8Array | undefined => readAttribute(session, privateKey, type);
  const label = new TextDecoder().decode(read(CKA.LABEL) ?? new Uint8Array(0));
  const id = read(CKA.ID) ?? new Uint8Array(0);
  const keyType = numberFromBytes(read(CKA.KEY_TYPE));
  const publicKeys =
    keyType === CKK.EC_EDWARDS ? publicKeysOf(session, { privateKey, id, label }) : [];
  const [publicKey, ...others] = publicKeys;
  const params = read(CKA.EC_PARAMS);
  return {
    label,
    id: hexFromBytes(id),
    type: typeName(keyType, params, publicKeys),
    // Two public halves under one id: nobody can say which is the key's.
    publicKey: publicKey === undefined || others.length > 0 ? undefined : hexFromBytes(publicKey),
    canSign: booleanFromBytes(read(CKA.SIGN)) ?? false,
    isExtractable: booleanFromBytes(read(CKA.EXTRACTABLE)),
    isLocal: booleanFromBytes(read(CKA.LOCAL)),
  };
}

function usable(privateKey: Handle, info: TokenKey, key: string): UsableKey {
  const { publicKey, canSign } = info;
  if (!canSign) {
    throw new KeyUnsuitableError({ key, reason: 'its attribute CKA_SIGN is not true' });
  }
  if (publicKey === undefined) {
    throw new KeyUnsuitableError({
      key,
      reason: 'the token does not show its public half (one public key with the same CKA_ID)',
    });
  }
  return { privateKey, info: { ...info, publicKey } };
}

function typeName(
  keyType: number | undefined,
  params: Uint8Array | undefined,
  publicKeys: readonly Uint8Array[],
): string {
  switch (keyType) {
    case CKK.EC_EDWARDS: {
      const curve = params === undefined ? 'unknown' : curveFromEcParams(params);
      if (curve !== 'unknown') return curve;
      // No curve, or one spelt in a way of the vendor's: a public key of 32 bytes is Ed25519's.
      return publicKeys.length > 0 ? 'ed25519' : 'edwards of an unknown curve';
    }
    case CKK.EC:
      return 'ec';
    case CKK.EC_MONTGOMERY:
      return 'montgomery';
    case CKK.RSA:
      return 'rsa';
    default:
      return keyType === undefined ? 'unknown' : `0x${keyType.toString(16)}`;
  }
}

/**
 * The different public halves the token shows: of public keys with the same CKA_ID, else of the
 * private object itself, else (a key without id) of public keys with the same label.
 */
function publicKeysOf(
  session: Session,
  key: { readonly privateKey: Handle; readonly id: Uint8Array; readonly label: string },
): readonly Uint8Array[] {
  const { privateKey, id, label } = key;
  const sources: readonly (() => readonly Handle[])[] = [
    () => (id.length === 0 ? [] : findPublicKeys(session, id)),
    () => [privateKey],
    () =>
      id.length > 0 || label === ''
        ? []
        : findObjects(session, [
            { type: CKA.CLASS, value: CKO.PUBLIC_KEY },
            { type: CKA.LABEL, value: label },
          ]),
  ];
  for (const source of sources) {
    const points = source().flatMap((object) => {
      const point = readAttribute(session, object, CKA.EC_POINT);
      const publicKey = point === undefined ? undefined : publicKeyFromEcPoint(point);
      return publicKey === undefined ? [] : [publicKey];
    });
    if (points.length > 0) return distinct(points);
  }
  return [];
}

function distinct(values: readonly Uint8Array[]): readonly Uint8Array[] {
  return values.filter((value, i) => values.findIndex((other) => equalBytes(other, value)) === i);
}

function selectorAttribute(selector: KeySelector): Attribute {
  return 'label' in selector
    ? { type: CKA.LABEL, value: selector.label }
    : { type: CKA.ID, value: bytesFromHex(selector.id) };
}

function findPrivateKeys(session: Session, template: readonly Attribute[]): readonly Handle[] {
  return findObjects(session, [{ type: CKA.CLASS, value: CKO.PRIVATE_KEY }, ...template]);
}

function findObjects(session: Session, template: readonly Attribute[]): readonly Handle[] {
  const { cryptoki, handle } = session;
  call('C_FindObjectsInit', () => cryptoki.C_FindObjectsInit(handle, template));
  const found: Handle[] = [];
  let batch: readonly Handle[];
  do {
    // Should it fail, the session is thrown away, and the unfinished search with it.
    batch = call('C_FindObjects', () => cryptoki.C_FindObjects(handle, FIND_BATCH));
    found.push(...batch);
  } while (batch.length > 0);
  call('C_FindObjectsFinal', () => cryptoki.C_FindObjectsFinal(handle));
  return found;
}

/** One attribute; `undefined` when this object has no such attribute, or does not tell. */
function readAttribute(session: Session, object: Handle, type: number): Uint8Array | undefined {
  const { cryptoki, handle } = session;
  try {
    const [attribute] = call('C_GetAttributeValue', () =>
      cryptoki.C_GetAttributeValue(handle, object, [{ type }]),
    );
    return attribute?.value;
  } catch (error) {
    const ckr = ckrOfError(error);
    if (ckr === CKR.ATTRIBUTE_TYPE_INVALID || ckr === CKR.ATTRIBUTE_SENSITIVE) return undefined;
    throw error;
  }
}

function booleanFromBytes(bytes: Uint8Array | undefined): boolean | undefined {
  return bytes?.length === 1 ? bytes[0] !== 0 : undefined;
}

/** A CK_ULONG in this machine's order, which is little-endian wherever Node runs signers. */
function numberFromBytes(bytes: Uint8Array | undefined): number | undefined {
  if (bytes === undefined || bytes.length < 4) return undefined;
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(0, true);
}
