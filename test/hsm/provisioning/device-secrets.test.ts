import { deriveSecret } from '@privval/hsm/provisioning/derive-secret';
import { DeviceSecrets } from '@privval/hsm/provisioning/device-secrets';
import { entropyFromPhrase, phraseFromEntropy } from '@privval/hsm/provisioning/recovery-phrase';
import { GuardedBytes } from '@privval/proto/crypto/guarded-memory';
import { utf8Bytes } from '@privval/proto/runtime/bytes';
import { entropyToMnemonic, mnemonicToEntropy } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { describe, expect, test } from 'vitest';
import { authenticationKeysFromPassword } from 'yubihsm/channel/password';
import { SeededRandom } from '../../harness/seeded-random.ts';

/** The example that tmkms's own guide prints (hsm.md 4.3). */
const GUIDE_PHRASE =
  'double section release consider diet pilot flip shell mother alone what fantasy much answer lottery crew nut reopen stereo square popular addict just animal';
const GUIDE_ENTROPY = '41b856d497a3db49d6462b9020dfe72989101361019a97b6cf5669ba82069e58';

function guarded(text: string): GuardedBytes {
  return GuardedBytes.take(utf8Bytes(text));
}

function hex(secret: GuardedBytes): string {
  return secret.use((bytes) => bytes.toHex());
}

function text(secret: GuardedBytes): string {
  return secret.use((bytes) => Buffer.from(bytes).toString('latin1'));
}

describe("recovery phrases: tmkms's derivation (hsm.md 4.3)", () => {
  const secrets = () =>
    DeviceSecrets.fromEntropy(entropyFromPhrase(guarded(GUIDE_PHRASE), 'phrase.txt'));

  test('the entropy of the guide’s phrase', () => {
    expect(hex(entropyFromPhrase(guarded(GUIDE_PHRASE), 'phrase.txt'))).toBe(GUIDE_ENTROPY);
  });

  test.each([
    ['operator', 'kms-operator-password-1k02vtxh4ggxct5tngncc33rk9yy5yjhk'],
    ['auditor', 'kms-auditor-password-1s0ynq69ezavnqgq84p0rkhxvkqm54ks9'],
    ['validator', 'kms-validator-password-1x4anf3n8vqkzm0klrwljhcx72sankcw0'],
    ['admin', GUIDE_PHRASE],
  ] as const)('the password of the %s', (role, password) => {
    expect(text(secrets().password(role))).toBe(password);
  });

  test.each([
    ['validator', '4a9ec0a640311168ac1fe848f9ba6a41', '02313c2d6a8f80db27855d0e32533c7d'],
    ['admin', '92cb3bb793c4ac185bd0cf798de43973', '89a79e387732af3efdf18947b82ba0d6'],
  ] as const)('the keys of the %s', (role, encKey, macKey) => {
    const keys = secrets().password(role).use(authenticationKeysFromPassword);
    expect([keys.encKey.toHex(), keys.macKey.toHex()]).toEqual([encKey, macKey]);
  });

  test('the wrap key', () => {
    expect(hex(secrets().wrapKey(1))).toBe(
      '21a6ca8cfd5dbe9c26320b5c4935ff1e63b9ab54e2dfe24f66677aba8852be13',
    );
  });

  test.each([
    [['1'], '034ce35b64f71d07cc4c17aa17a00615bbe9dc062d83a20996f685f4636b654e'],
    [['1', '2'], 'eca907266271e6f6c88d88bdbd13c7f8157f5e4b98865e80ddacd9a5c857a2cd'],
    [['1', '2', '3'], '3ce648629c4b488e122a49b19420a7e2c917f238961774aff576de249c8f9e0b'],
  ])('the secret at 1/%j below the entropy 00 01 … 1f', (path, secret) => {
    const entropy = GuardedBytes.take(Uint8Array.from({ length: 32 }, (_, i) => i));
    expect(hex(deriveSecret(entropy, path))).toBe(secret);
  });
});

describe('the words of a phrase', () => {
  test('are those of the published library, there and back (seed 41)', () => {
    const random = new SeededRandom(41);
    for (let i = 0; i < 200; i++) {
      const entropy = random.bytes(32);
      const phrase = phraseFromEntropy(GuardedBytes.take(entropy.slice()));
      expect(text(phrase)).toBe(entropyToMnemonic(entropy, wordlist));
      const back = hex(entropyFromPhrase(phrase, 'phrase.txt'));
      expect(back).toBe(Buffer.from(mnemonicToEntropy(text(phrase), wordlist)).toString('hex'));
      expect(back).toBe(entropy.toHex());
    }
  });

  test('may be spread over lines: the passwords are those of single spaces', () => {
    const spread = `  ${GUIDE_PHRASE.replaceAll(' ', ' \r\n\t')}\n\n`;
    expect(hex(entropyFromPhrase(guarded(spread), 'phrase.txt'))).toBe(GUIDE_ENTROPY);
    using secrets = DeviceSecrets.fromEntropy(entropyFromPhrase(guarded(spread), 'phrase.txt'));
    expect(text(secrets.password('admin'))).toBe(GUIDE_PHRASE);
  });

  const words = GUIDE_PHRASE.split(' ');
  test.each([
    ['a word too few', words.slice(1).join(' '), '23 words instead of 24'],
    ['nothing but space', ' \n', '0 words instead of 24'],
    ['no word of the list', ['doubles', ...words.slice(1)].join(' '), 'word 1 is not'],
    ['a word cut short', [...words.slice(0, 23), 'anima'].join(' '), 'word 24 is not'],
    ['a capital', GUIDE_PHRASE.replace('double', 'Double'), 'word 1 is not'],
    [
      'two words swapped',
      [words[1], words[0], ...words.slice(2)].join(' '),
      'its checksum is wrong',
    ],
    ['another word of the list', GUIDE_PHRASE.replace('animal', 'annual'), 'its checksum is wrong'],
  ])('with %s are refused, and none is quoted (S18)', (_what, phrase, reason) => {
    const refused = (): unknown => entropyFromPhrase(guarded(phrase), 'phrase.txt');
    expect(refused).toThrow(expect.objectContaining({ code: 'ERR_RECOVERY_PHRASE' }));
    expect(refused).toThrow(reason);
    for (const word of ['double', 'section', 'animal', 'doubles']) {
      expect(refused).not.toThrow(` ${word}`);
    }
  });
});

describe('new secrets', () => {
  test('depend on the machine’s randomness as well as on the device’s, which is wiped', () => {
    const device = new Uint8Array(32).fill(7);
    using first = DeviceSecrets.generate(device);
    expect(device.every((byte) => byte === 0)).toBe(true);
    using second = DeviceSecrets.generate(new Uint8Array(32).fill(7));
    expect(text(first.phrase())).not.toBe(text(second.phrase()));
  });

  test('give the temporary key a password of its own, which the phrase gives again', () => {
    using secrets = DeviceSecrets.generate(new Uint8Array(32));
    const password = text(secrets.password('temporary'));
    expect(password).toMatch(/^kms-temporary-password-1[02-9ac-hj-np-z]{32}$/);
    using again = DeviceSecrets.fromEntropy(entropyFromPhrase(secrets.phrase(), 'phrase.txt'));
    expect(text(again.password('temporary'))).toBe(password);
  });

  test('wiped ones derive nothing any more', () => {
    const secrets = DeviceSecrets.generate(new Uint8Array(32));
    secrets[Symbol.dispose]();
    expect(() => secrets.phrase()).toThrow(
      expect.objectContaining({ code: 'ERR_SECRET_DISPOSED' }),
    );
  });
});
