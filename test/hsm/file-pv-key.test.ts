import { chmodSync, writeFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { encodeFilePvKey } from '@privval/hsm/file/file-pv-key';
import { readKeyFile } from '@privval/hsm/file/open-key-file';
import { describe, expect, test } from 'vitest';
import { expectNoTrace } from '../conformance/signing-key.ts';
import { ScratchFolder } from '../harness/scratch-folder.ts';
import { KNOWN_KEY_FILE, KNOWN_PUBLIC_KEY_HEX, knownSecretKey, knownSeed } from './known-key.ts';

async function openText(text: string): Promise<string> {
  using folder = new ScratchFolder();
  const path = folder.join('priv_validator_key.json');
  writeFileSync(path, text, { mode: 0o600 });
  const { secret, isEncrypted } = await readKeyFile(path);
  expect(isEncrypted).toBe(false);
  using key = secret;
  return key.publicKey.bytes.toHex();
}

const PRIVATE_VALUE =
  'nYNNP8rE7iVTa3DhU3b+u2l4YatXNAXYuJKQQX/RYHBVakNvEhjTCULv55hCD1Hcm2oxG5KcV4JXRX0FxfzyMA==';
const seedAndZeros = new Uint8Array(64);
seedAndZeros.set(knownSeed());

describe('a FilePV key file', () => {
  test('is written byte for byte as Go writes it', () => {
    using secret = knownSecretKey();
    using content = encodeFilePvKey(secret);
    expect(content.use((bytes) => new TextDecoder().decode(bytes))).toBe(KNOWN_KEY_FILE);
    expect(content.length).toBe(345);
  });

  test.each([
    ['as Go writes it', KNOWN_KEY_FILE],
    ['on one line', JSON.stringify(JSON.parse(KNOWN_KEY_FILE))],
    ['with a line feed at its end', `${KNOWN_KEY_FILE}\n`],
    ['with its keys in another order', reordered()],
    ['with keys unknown here', KNOWN_KEY_FILE.replace('{', '{"note": ["x", {"y": 1}],')],
    ['with a lower-case address', KNOWN_KEY_FILE.replace(/DC52\w+/, (text) => text.toLowerCase())],
  ])('is read %s', async (_, text) => {
    expect(await openText(text)).toBe(KNOWN_PUBLIC_KEY_HEX);
  });

  test.each([
    ['address', KNOWN_KEY_FILE.replace('DC52', 'DC53')],
    ['pub_key', KNOWN_KEY_FILE.replace('VWpDbxIY', 'VWpDbxIZ')],
    ['pub_key', KNOWN_KEY_FILE.replace('PubKeyEd25519', 'PubKeySecp256k1')],
    [
      'priv_key.value (its public half)',
      KNOWN_KEY_FILE.replace(PRIVATE_VALUE, seedAndZeros.toBase64()),
    ],
    ['priv_key.value (its public half)', KNOWN_KEY_FILE.replace('nYNNP8rE', 'nYNNP8rF')],
  ])('is refused when its %s does not follow from the seed', async (part, text) => {
    await expect(openText(text)).rejects.toMatchObject({ code: 'ERR_KEY_FILE_MISMATCH', part });
  });

  test.each([
    'tendermint/PrivKeySecp256k1',
    'tendermint/PrivKeySr25519',
    'cometbft/PrivKeyBls12_381',
    'cometbft/PrivKeyMlDsa65',
    'tendermint/PrivKeySecp256k1eth',
  ])('is refused by name when it holds a %s', async (keyType) => {
    const text = KNOWN_KEY_FILE.replace('tendermint/PrivKeyEd25519', keyType);
    await expect(openText(text)).rejects.toMatchObject({
      code: 'ERR_KEY_TYPE_UNSUPPORTED',
      keyType,
      message: expect.stringContaining(keyType),
    });
  });

  test.each([
    ['all of it', PRIVATE_VALUE],
    ['a piece inside what looks like a name', 'tendermint/PrivKeySecp25YNNP8rE7iVTa3DhU3b6k1'],
  ])(
    'is refused without naming a type that may be a misplaced secret: %s (S18)',
    async (_, type) => {
      const text = KNOWN_KEY_FILE.replace('tendermint/PrivKeyEd25519', type);
      await expect(openText(text)).rejects.toMatchObject({
        code: 'ERR_KEY_TYPE_UNSUPPORTED',
        keyType: 'unnamed',
        message: expect.not.stringContaining(type),
      });
    },
  );

  test.each(malformed())('is refused %s', async (_, text) => {
    await expect(openText(text)).rejects.toMatchObject({ code: 'ERR_KEY_FILE_MALFORMED' });
  });

  test('leaves no trace of its secret in any failure (S18)', async () => {
    using folder = new ScratchFolder();
    const path = folder.join('key.json');
    const texts = [
      ...malformed().map(([, text]) => text),
      KNOWN_KEY_FILE.replace('DC52', 'DC53'),
      KNOWN_KEY_FILE.replace('tendermint/PrivKeyEd25519', PRIVATE_VALUE),
      KNOWN_KEY_FILE.replace('tendermint/PrivKeyEd25519', 'cometbft/PrivKeyMlDsa65'),
    ];
    const shown: string[] = [];
    for (const text of texts) {
      writeFileSync(path, text, { mode: 0o600 });
      for (const mode of [0o600, 0o644]) {
        chmodSync(path, mode);
        const error: unknown = await readKeyFile(path).catch((reason: unknown) => reason);
        expect(error).toBeInstanceOf(Error);
        shown.push(inspect(error, { showHidden: true, depth: 10 }), JSON.stringify(error));
      }
    }
    expectNoTrace(shown, knownSeed());
    for (const text of shown) expect(text).not.toContain(PRIVATE_VALUE.slice(0, 16));
  });
});

function reordered(): string {
  const file: object = JSON.parse(KNOWN_KEY_FILE);
  return JSON.stringify(Object.fromEntries(Object.entries(file).reverse()), null, 4);
}

function malformed(): [string, string][] {
  const without = (key: string): string => {
    const file = JSON.parse(KNOWN_KEY_FILE);
    delete file[key];
    // The name stays in it, so that it is taken for a FilePV file.
    return JSON.stringify({ ...file, x: { priv_key: 1 } });
  };
  return [
    ['when it is cut off', KNOWN_KEY_FILE.slice(0, 300)],
    ['when something follows', `${KNOWN_KEY_FILE}x`],
    ['without an address', without('address')],
    ['without a public key', without('pub_key')],
    ['without a private key', without('priv_key')],
    [
      'with a private key that is a text',
      KNOWN_KEY_FILE.replace(/"priv_key": \{[^}]*\}/, `"priv_key": "${PRIVATE_VALUE}"`),
    ],
    ['with a key twice', KNOWN_KEY_FILE.replace('{', '{"priv_key": {},')],
    ['with a secret that is not base64', KNOWN_KEY_FILE.replace('nYNN', 'nY.N')],
    ['with a secret without padding', KNOWN_KEY_FILE.replace('fzyMA==', 'fzyMA')],
    ['with a secret that has escapes', KNOWN_KEY_FILE.replace('X/RYH', 'X\\/RYH')],
    ['with the seed alone', KNOWN_KEY_FILE.replace(PRIVATE_VALUE, knownSeed().toBase64())],
    ['with an empty secret', KNOWN_KEY_FILE.replace(PRIVATE_VALUE, '')],
    [
      'with a secret of 65 bytes',
      KNOWN_KEY_FILE.replace(PRIVATE_VALUE, new Uint8Array(65).toBase64()),
    ],
    ['when it holds something else', '{"identity": "x"}'],
    ['when it is a bare base64 seed', knownSeed().toBase64()],
  ];
}
