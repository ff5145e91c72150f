/** The parts of an X.509 certificate that an attestation is made of. */
import { copyOf } from '../commands/wire-bytes.ts';
import {
  bitStringBytes,
  contentOf,
  DER_TAGS,
  type DerItem,
  readItem,
  readItems,
} from './der-reader.ts';
import { MalformedAttestationError } from './malformed-attestation-error.ts';

/** 1.2.840.113549.1.1.1, rsaEncryption. */
const RSA = '2a864886f70d010101';

/** 1.2.840.10045.2.1, id-ecPublicKey. */
const CURVE = '2a8648ce3d0201';

/** What is read of a certificate. */
export interface CertificateParts {
  /** As GetPublicKey gives it: Ed25519 32 bytes, curves `X ‖ Y`, RSA the modulus. */
  readonly publicKey: Uint8Array;
  /** What is inside of each extension, by its object id's DER content in hexadecimal. */
  readonly extensions: ReadonlyMap<string, Uint8Array>;
}

/** Walks through a certificate (DER). @throws {MalformedAttestationError} ERR_YUBIHSM_MALFORMED_ATTESTATION */
export function readCertificate(der: Uint8Array): CertificateParts {
  const [tbs] = readItems(readItem(der, DER_TAGS.sequence));
  const fields = readItems(contentOf(tbs, DER_TAGS.sequence));
  // version [0], serial number, algorithm, issuer, validity, subject, then the subject's key.
  const [version, , , , , , subjectKey, ...others] = fields;
  if (version?.tag !== 0xa0) throw new MalformedAttestationError('it is no X.509 v3');
  const extensions = others.find(({ tag }) => tag === DER_TAGS.context3);
  return {
    publicKey: readSubjectKey(contentOf(subjectKey, DER_TAGS.sequence)),
    extensions: extensions === undefined ? new Map() : readExtensions(extensions),
  };
}

function readExtensions(wrapper: DerItem): ReadonlyMap<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  for (const extension of readItems(readItem(wrapper.content, DER_TAGS.sequence))) {
    const parts = readItems(contentOf(extension, DER_TAGS.sequence));
    const id = hex(contentOf(parts[0], DER_TAGS.objectId));
    if (found.has(id)) throw new MalformedAttestationError('an extension comes twice');
    // Between them may stand a boolean: whether the extension is critical.
    found.set(id, contentOf(parts.at(-1), DER_TAGS.octetString));
  }
  return found;
}

function readSubjectKey(info: Uint8Array): Uint8Array {
  const [algorithm, bits] = readItems(info);
  const [id] = readItems(contentOf(algorithm, DER_TAGS.sequence));
  const key = bitStringBytes(contentOf(bits, DER_TAGS.bitString));
  const name = hex(contentOf(id, DER_TAGS.objectId));
  if (name === RSA) {
    const [modulus] = readItems(readItem(key, DER_TAGS.sequence));
    return withoutSignByte(contentOf(modulus, DER_TAGS.integer));
  }
  if (name === CURVE) {
    if (key[0] !== 0x04) throw new MalformedAttestationError('its key is a compressed point');
    return copyOf(key.subarray(1));
  }
  return copyOf(key);
}

/** A number whose highest bit is set has a zero before it. */
function withoutSignByte(integer: Uint8Array): Uint8Array {
  return copyOf(integer[0] === 0 ? integer.subarray(1) : integer);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
