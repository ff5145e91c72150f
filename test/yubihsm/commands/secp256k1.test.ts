/** Account keys and their signatures, as Cosmos chains want them. */
import { createECDH, generateKeyPairSync, sign, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { compactSecp256k1Signature, compressSecp256k1 } from 'yubihsm/commands/secp256k1';
import { hex } from '../known-bytes.ts';

const malformed = expect.objectContaining({ code: 'ERR_YUBIHSM_MALFORMED_REPLY' });
const N = 0xffffffff_ffffffff_ffffffff_fffffffe_baaedce6_af48a03b_bfd25e8c_d0364141n;

describe('public keys', () => {
  it('are compressed by the parity of Y, as node:crypto does it', () => {
    const parities = new Set<number>();
    for (let scalar = 1; scalar <= 8; scalar++) {
      const ecdh = createECDH('secp256k1');
      ecdh.setPrivateKey(Uint8Array.of(scalar));
      const compressed = compressSecp256k1(ecdh.getPublicKey().subarray(1));
      expect(compressed).toEqual(Uint8Array.from(ecdh.getPublicKey(null, 'compressed')));
      parities.add(compressed[0] ?? 0);
    }
    expect(parities).toEqual(new Set([2, 3]));
  });

  it('with a prefix are refused', () => {
    expect(() => compressSecp256k1(new Uint8Array(65))).toThrow(
      expect.objectContaining({ code: 'ERR_YUBIHSM_INVALID_REQUEST' }),
    );
  });
});

describe('signatures', () => {
  it('of any s come out with a low one, and still verify', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
    const message = hex('cafe');
    let high = 0;
    for (let i = 0; i < 64; i++) {
      const der = Uint8Array.from(sign('sha256', message, privateKey));
      const compact = compactSecp256k1Signature(der);
      expect(compact).toHaveLength(64);
      const s = BigInt(`0x${compact.subarray(32).toHex()}`);
      expect(s <= N / 2n).toBe(true);
      if (!Buffer.from(der).toString('hex').endsWith(compact.subarray(32).toHex())) high += 1;
      expect(
        verify('sha256', message, { key: publicKey, dsaEncoding: 'ieee-p1363' }, compact),
      ).toBe(true);
    }
    // 64 random signatures without one of the upper half: 2^-64.
    expect(high).toBeGreaterThan(0);
  });

  it('keep an s of exactly half the order', () => {
    const half = (N / 2n).toString(16);
    const low = compactSecp256k1Signature(hex(`3025 020101 0220${half}`));
    expect(low).toEqual(hex(`${'00'.repeat(31)}01 ${half}`));
    const above = (N / 2n + 1n).toString(16);
    expect(compactSecp256k1Signature(hex(`3025 020101 0220${above}`))).toEqual(low);
  });

  it('are filled up to 32 bytes', () => {
    expect(compactSecp256k1Signature(hex('3006 020101 020102'))).toEqual(
      hex(`${'00'.repeat(31)}01 ${'00'.repeat(31)}02`),
    );
  });

  it.each([
    ['nothing', ''],
    ['another tag', '3106 020101 020101'],
    ['a length that is too long', '3007 020101 020101'],
    ['bytes after the end', '3006 020101 020101 00'],
    ['a third number', '3009 020101 020101 020101'],
    ['one number', '3003 020101'],
    ['r of zero', '3006 020100 020101'],
    ['s of zero', '3006 020101 020100'],
    ['a negative number', '3006 020181 020101'],
    ['a needless zero', '3007 02020001 020101'],
    ['a number that runs out', '3006 020101 020901'],
    ['an empty number', '3005 0200 020101'],
    ['r of the order', `3026 022100${N.toString(16)} 020101`],
    ['a number of 34 bytes', `3027 022200ff${'00'.repeat(32)} 020101`],
  ])('in DER are read strictly: %s', (_, der) => {
    expect(() => compactSecp256k1Signature(hex(der))).toThrow(malformed);
  });
});
