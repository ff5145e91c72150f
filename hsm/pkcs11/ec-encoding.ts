/** How tokens spell the curve and the public key (CKA_EC_PARAMS, CKA_EC_POINT). Pure. */
import { ED25519_PUBLIC_KEY_BYTES } from '@privval/proto/crypto/public-key';
import { bytesFromHex, concatBytes, hexFromBytes, utf8Bytes } from '@privval/proto/runtime/bytes';

/** A spelling of the curve: the standard's name, or the OID 1.3.101.112 of RFC 8410. */
export type EcParamsEncoding = 'printable-string' | 'oid';

const TAG = { BIT_STRING: 0x03, OCTET_STRING: 0x04, OID: 0x06, UTF8: 0x0c, PRINTABLE: 0x13 };

/** What a token is told, by spelling. */
const ED25519_PARAMS: Readonly<Record<EcParamsEncoding, Uint8Array>> = {
  'printable-string': tagged(TAG.PRINTABLE, utf8Bytes('edwards25519')),
  oid: bytesFromHex('06032b6570'),
};

/** DER of the OIDs tokens answer with: RFC 8410, and the older one of GnuPG. */
const ED25519_OIDS: readonly string[] = ['06032b6570', '06092b06010401da470f01'];
const ED448_OIDS: readonly string[] = ['06032b6571'];

/** RFC 8032's name of the curve, and the one some tokens use. */
const ED25519_NAMES: readonly string[] = ['edwards25519', 'ed25519'];
const ED448_NAMES: readonly string[] = ['edwards448', 'ed448'];

/** CKA_EC_PARAMS for a new Ed25519 key: 14 bytes, or 5. */
export function ed25519EcParams(encoding: EcParamsEncoding): Uint8Array {
  return new Uint8Array(ED25519_PARAMS[encoding]);
}

/** Which Edwards curve a CKA_EC_PARAMS names, in any spelling that tokens are known to answer with. */
export function curveFromEcParams(params: Uint8Array): 'ed25519' | 'ed448' | 'unknown' {
  const hex = hexFromBytes(params);
  if (ED25519_OIDS.includes(hex)) return 'ed25519';
  if (ED448_OIDS.includes(hex)) return 'ed448';
  const isText = params[0] === TAG.PRINTABLE || params[0] === TAG.UTF8;
  if (!isText || params[1] !== params.length - 2) return 'unknown';
  const name = new TextDecoder().decode(params.subarray(2)).toLowerCase();
  if (ED25519_NAMES.includes(name)) return 'ed25519';
  return ED448_NAMES.includes(name) ? 'ed448' : 'unknown';
}

/**
 * The 32 bytes of an Ed25519 public key out of a CKA_EC_POINT: a DER OCTET STRING, a DER BIT STRING,
 * or bare. `undefined` for anything else. Length decides first: a bare key may begin like a tag.
 */
export function publicKeyFromEcPoint(point: Uint8Array): Uint8Array | undefined {
  const length = ED25519_PUBLIC_KEY_BYTES;
  if (point.length === length) return new Uint8Array(point);
  const headers = [
    [TAG.OCTET_STRING, length],
    [TAG.BIT_STRING, length + 1, 0],
  ];
  const header = headers.find(
    (bytes) =>
      point.length === bytes.length + length && bytes.every((byte, i) => point[i] === byte),
  );
  return header === undefined ? undefined : new Uint8Array(point.subarray(header.length));
}

/** CKA_EC_POINT of an Ed25519 public key, as tokens take it: a DER OCTET STRING. */
export function ecPointFromPublicKey(publicKey: Uint8Array): Uint8Array {
  return tagged(TAG.OCTET_STRING, publicKey);
}

/** DER of up to 127 bytes. */
function tagged(tag: number, content: Uint8Array): Uint8Array {
  return concatBytes(new Uint8Array([tag, content.length]), content);
}
