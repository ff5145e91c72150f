import { describe, expect, test } from 'vitest';
import { deriveKey } from 'yubihsm/channel/key-derivation';
import { generateP256PrivateKey, isP256PrivateKey, p256PublicKey } from 'yubihsm/channel/p256';
import { authenticationKeysFromPassword, privateKeyFromPassword } from 'yubihsm/channel/password';
import {
  cardCryptogram,
  deriveSessionKeys,
  hostCryptogram,
  wipeSessionKeys,
} from 'yubihsm/channel/session-keys';
import { hex, SYMMETRIC, utf8 } from './vectors.ts';

describe('keys from a password', () => {
  test.each([
    [
      'the factory default',
      utf8('password'),
      '090b47dbed595654901dee1cc655e420',
      '592fd483f759e29909a04c4505d2ce0a',
    ],
    [
      'a Greek word whose second letter is U+1F79',
      hex('cebae1bdb9cf83cebcceb5'),
      'f320972c667ba5cd4d35119a6b0271a1',
      'f10050ca688e5a6ce62b1ffb0f6f6869',
    ],
    [
      'the word that looks the same, with U+03CC: nothing is normalised',
      hex('cebacf8ccf83cebcceb5'),
      'c2e0bc0501cb22d0166145e1ca3cccb6',
      '07d177f7b5a3a10858dd64a0deab9f37',
    ],
  ])('symmetric, %s', (_, password, encKey, macKey) => {
    expect(authenticationKeysFromPassword(password)).toEqual({
      encKey: hex(encKey),
      macKey: hex(macKey),
    });
  });

  test('white space at the end counts', () => {
    expect(authenticationKeysFromPassword(utf8('password '))).not.toEqual(
      authenticationKeysFromPassword(utf8('password')),
    );
  });

  test('asymmetric, the factory default', () => {
    const key = privateKeyFromPassword(utf8('password'));
    expect(key).toEqual(hex('090b47dbed595654901dee1cc655e420592fd483f759e29909a04c4505d2ce0a'));
    expect(p256PublicKey(key)).toEqual(
      hex(
        '04f94e53532a2872fca8f7e575a7faf5466c47bbe33e45ee3d43bfb187564a808d58a885f22282d95cf9d7195e277ed44346a02da9e891117c2cffd29af01bb2ea',
      ),
    );
  });

  test('asymmetric, a password of 64 bytes and more is derived with a zero byte behind it', () => {
    const long = utf8('x'.repeat(64));
    const { encKey, macKey } = authenticationKeysFromPassword(utf8(`${'x'.repeat(64)}\0`));
    expect(privateKeyFromPassword(long).toHex()).toBe(encKey.toHex() + macKey.toHex());
  });
});

describe('the derivation function', () => {
  test('a key of 32 bytes and a context of 8', () => {
    const derived = deriveKey(
      hex('3078666630786666307831323078666630786666307866663078666630786166'),
      0x04,
      hex('0cf4f54cb9df595b'),
      128,
    );
    expect(derived).toEqual(hex('57a07f31b913bce5ff06364a0e39467a'));
  });

  test('refuses what one CMAC does not give', () => {
    expect(() => deriveKey(new Uint8Array(16), 0, new Uint8Array(16), 192)).toThrow(
      expect.objectContaining({ code: 'ERR_YUBIHSM_INVARIANT' }),
    );
  });

  test.each([
    [
      'a session of the default password',
      SYMMETRIC.hostChallenge + SYMMETRIC.cardChallenge,
      [SYMMETRIC.encKey, SYMMETRIC.macKey, SYMMETRIC.rmacKey],
      [SYMMETRIC.cardCryptogram, SYMMETRIC.hostCryptogram],
    ],
    [
      'both challenges zero',
      '00'.repeat(16),
      [
        '3868340c288eddd0ee9596757db89935',
        'eca1fa52a659262e58813c3764031d4f',
        'f09844f526cba26062496fca6d61b3a5',
      ],
      ['30ce3b481ca11ac8', 'd3542dbe4a752976'],
    ],
  ])('the keys and cryptograms of %s', (_, context, keys, cryptograms) => {
    const derived = deriveSessionKeys(
      authenticationKeysFromPassword(utf8('password')),
      hex(context),
    );
    expect([derived.encKey, derived.macKey, derived.rmacKey]).toEqual(keys.map(hex));
    expect([cardCryptogram(derived, hex(context)), hostCryptogram(derived, hex(context))]).toEqual(
      cryptograms.map(hex),
    );
    wipeSessionKeys(derived);
    expect(derived.macKey).toEqual(new Uint8Array(16));
  });
});

describe('P-256 private keys', () => {
  const ORDER = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551';

  test.each([
    ['zero', '00'.repeat(32), false],
    ['one', `${'00'.repeat(31)}01`, true],
    ['the order less one', `${ORDER.slice(0, -2)}50`, true],
    ['the order', ORDER, false],
    ['all ones', 'ff'.repeat(32), false],
    ['31 bytes', '11'.repeat(31), false],
  ])('%s', (_, key, isKey) => {
    expect(isP256PrivateKey(hex(key))).toBe(isKey);
  });

  test('are drawn again until there is one', () => {
    const draws = [hex(ORDER), hex('00'.repeat(32)), hex('05'.repeat(32))];
    const key = generateP256PrivateKey(() => draws.shift() ?? new Uint8Array(32));
    expect(key).toEqual(hex('05'.repeat(32)));
  });

  test('what is none makes no public key', () => {
    expect(() => p256PublicKey(hex(ORDER))).toThrow(
      expect.objectContaining({ code: 'ERR_YUBIHSM_INVALID_REQUEST' }),
    );
  });
});
