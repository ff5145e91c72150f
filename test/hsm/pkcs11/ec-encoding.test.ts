import {
  curveFromEcParams,
  ecPointFromPublicKey,
  ed25519EcParams,
  publicKeyFromEcPoint,
} from '@privval/hsm/pkcs11/ec-encoding';
import { describe, expect, test } from 'vitest';

const KEY = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a';

describe('the curve (hsm.md 6.2)', () => {
  test.each([
    ['printable-string', '130c656477617264733235353139'],
    ['oid', '06032b6570'],
  ] as const)('is spelt to a token as %s', (encoding, hex) => {
    expect(ed25519EcParams(encoding).toHex()).toBe(hex);
  });

  test.each([
    ['the name of the standard', '130c656477617264733235353139', 'ed25519'],
    ['the OID of RFC 8410', '06032b6570', 'ed25519'],
    ['the older OID', '06092b06010401da470f01', 'ed25519'],
    ['the name in UTF-8', '0c0c656477617264733235353139', 'ed25519'],
    ['the name of RFC 8410', '130745643235353139', 'ed25519'],
    ['the other Edwards curve by name', '130a65647761726473343438', 'ed448'],
    ['the other Edwards curve by OID', '06032b6571', 'ed448'],
    ['P-256', '06082a8648ce3d030107', 'unknown'],
    ['a name with a wrong length', '130b656477617264733235353139', 'unknown'],
    ['a name that ends early', '130c6564', 'unknown'],
    ['nothing', '', 'unknown'],
  ])('is read from %s', (_, hex, curve) => {
    expect(curveFromEcParams(Uint8Array.fromHex(hex))).toBe(curve);
  });
});

describe('the public key (hsm.md 6.3)', () => {
  test.each([
    ['an OCTET STRING', `0420${KEY}`, KEY],
    ['a BIT STRING', `032100${KEY}`, KEY],
    ['the bare key', KEY, KEY],
    ['a bare key that begins like an OCTET STRING', `0420${KEY.slice(4)}`, `0420${KEY.slice(4)}`],
  ])('is read from %s', (_, point, key) => {
    expect(publicKeyFromEcPoint(Uint8Array.fromHex(point))?.toHex()).toBe(key);
  });

  test.each([
    ['a point of P-256', `0441${'04'.padEnd(130, '1')}`],
    ['a wrong tag', `0520${KEY}`],
    ['a wrong length', `0421${KEY}`],
    ['a BIT STRING with unused bits', `032101${KEY}`],
    ['31 bytes', KEY.slice(2)],
    ['33 bytes', `00${KEY}`],
    ['nothing', ''],
  ])('is not read from %s', (_, point) => {
    expect(publicKeyFromEcPoint(Uint8Array.fromHex(point))).toBeUndefined();
  });

  test('is given to a token as an OCTET STRING', () => {
    const point = ecPointFromPublicKey(Uint8Array.fromHex(KEY));
    expect(point.toHex()).toBe(`0420${KEY}`);
  });
});
