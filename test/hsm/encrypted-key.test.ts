import { createHash } from 'node:crypto';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { decryptKey, encryptKey } from '@privval/hsm/file/encrypted-key';
import { openKeyFile, readKeyFile, writeKeyFile } from '@privval/hsm/file/open-key-file';
import { GuardedBytes } from '@privval/proto/crypto/guarded-memory';
import { beforeAll, describe, expect, test } from 'vitest';
import { expectNoTrace } from '../conformance/signing-key.ts';
import { ScratchFolder } from '../harness/scratch-folder.ts';
import { KNOWN_KEY_FILE, KNOWN_PUBLIC_KEY_HEX, knownSecretKey, knownSeed } from './known-key.ts';

const PASSPHRASE = 'correct horse battery staple';
/** The least a file may ask for, so that these tests are about the format and not about argon2id. */
const CHEAP = { memoryKiB: 8192, passes: 1 };

interface EncryptedFile {
  format: string;
  version: number;
  publicKey: { type: string; value: string };
  kdf: { name: string; memoryKiB: number; passes: number; parallelism: number; salt: string };
  cipher: { name: string; nonce: string };
  ciphertext: string;
  checksum: string;
}

function passphrase(text = PASSPHRASE): GuardedBytes {
  return GuardedBytes.take(new TextEncoder().encode(text));
}

/** An intruder's edit: the file changed, and its checksum made to fit again, as the format says. */
function edited(file: EncryptedFile, edit: (file: EncryptedFile) => void): EncryptedFile {
  const copy = structuredClone(file);
  edit(copy);
  const { ciphertext, checksum: _, ...header } = copy;
  copy.checksum = createHash('sha256')
    .update(JSON.stringify(header))
    .update(Buffer.from(ciphertext, 'base64'))
    .digest('hex');
  return copy;
}

async function open(file: EncryptedFile | string, text = PASSPHRASE): Promise<string> {
  const bytes = new TextEncoder().encode(typeof file === 'string' ? file : JSON.stringify(file));
  using given = passphrase(text);
  using secret = await decryptKey(bytes, given, '/k');
  return secret.publicKey.bytes.toHex();
}

function flipped(base64: string): string {
  const bytes = Uint8Array.fromBase64(base64);
  bytes[3] = (bytes[3] ?? 0) ^ 1;
  return bytes.toBase64();
}

describe('an encrypted key file', () => {
  let text: string;
  let file: EncryptedFile;
  beforeAll(async () => {
    using secret = knownSecretKey();
    using given = passphrase();
    text = new TextDecoder().decode(await encryptKey(secret, given, { cost: CHEAP }));
    file = JSON.parse(text);
  });

  test('opens with its passphrase', async () => {
    expect(await open(text)).toBe(KNOWN_PUBLIC_KEY_HEX);
  });

  test('opens whatever its white space and the order of its keys', async () => {
    const reordered = Object.fromEntries(Object.entries(file).reverse());
    expect(await open(JSON.stringify(reordered))).toBe(KNOWN_PUBLIC_KEY_HEX);
  });

  test('tells an operator which key it is without the passphrase', () => {
    expect(Uint8Array.fromBase64(file.publicKey.value).toHex()).toBe(KNOWN_PUBLIC_KEY_HEX);
  });

  test('has a fresh salt and nonce each time', async () => {
    using secret = knownSecretKey();
    using given = passphrase();
    const other: EncryptedFile = JSON.parse(
      new TextDecoder().decode(await encryptKey(secret, given, { cost: CHEAP })),
    );
    expect(other.kdf.salt).not.toBe(file.kdf.salt);
    expect(other.cipher.nonce).not.toBe(file.cipher.nonce);
    expect(other.ciphertext).not.toBe(file.ciphertext);
  });

  test.each([
    ['another one', 'correct horse battery stapler'],
    ['one with a space more', `${PASSPHRASE} `],
    ['one with a newline more', `${PASSPHRASE}\n`],
  ])('says the passphrase is wrong when it is %s', async (_, wrong) => {
    await expect(open(text, wrong)).rejects.toMatchObject({ code: 'ERR_WRONG_PASSPHRASE' });
  });

  test.each<[string, (damaged: EncryptedFile) => void]>([
    [
      'ciphertext',
      (damaged) => {
        damaged.ciphertext = flipped(damaged.ciphertext);
      },
    ],
    [
      'nonce',
      (damaged) => {
        damaged.cipher.nonce = flipped(damaged.cipher.nonce);
      },
    ],
    [
      'salt',
      (damaged) => {
        damaged.kdf.salt = flipped(damaged.kdf.salt);
      },
    ],
    [
      'public key',
      (damaged) => {
        damaged.publicKey.value = flipped(damaged.publicKey.value);
      },
    ],
    [
      'memory',
      (damaged) => {
        damaged.kdf.memoryKiB += 8;
      },
    ],
    [
      'passes',
      (damaged) => {
        damaged.kdf.passes += 1;
      },
    ],
    [
      'checksum',
      (damaged) => {
        damaged.checksum = damaged.checksum.replace(/^./, (c) => (c === '0' ? '1' : '0'));
      },
    ],
  ])('says it is damaged when its %s is, not that the passphrase is wrong', async (_, damage) => {
    const damaged = structuredClone(file);
    damage(damaged);
    await expect(open(damaged)).rejects.toMatchObject({ code: 'ERR_KEY_FILE_DAMAGED' });
  });

  test.each<[string, (file: EncryptedFile) => void]>([
    [
      'public key',
      (copy) => {
        copy.publicKey.value = new Uint8Array(32).fill(9).toBase64();
      },
    ],
    [
      'cost',
      (copy) => {
        copy.kdf.passes = 2;
      },
    ],
    [
      'salt',
      (copy) => {
        copy.kdf.salt = flipped(copy.kdf.salt);
      },
    ],
    [
      'nonce',
      (copy) => {
        copy.cipher.nonce = flipped(copy.cipher.nonce);
      },
    ],
    [
      'ciphertext',
      (copy) => {
        copy.ciphertext = flipped(copy.ciphertext);
      },
    ],
  ])('does not open once its %s was changed, checksum and all', async (_, edit) => {
    await expect(open(edited(file, edit))).rejects.toMatchObject({ code: 'ERR_WRONG_PASSPHRASE' });
  });

  test('authenticates the public key it names: an edit of nothing opens, by the same means', async () => {
    expect(await open(edited(file, () => undefined))).toBe(KNOWN_PUBLIC_KEY_HEX);
  });

  test.each<[string, (file: EncryptedFile) => void]>([
    [
      '64 GiB of memory',
      (copy) => {
        copy.kdf.memoryKiB = 64 * 1024 * 1024;
      },
    ],
    [
      'more than 1 GiB of memory',
      (copy) => {
        copy.kdf.memoryKiB = 1024 * 1024 + 1;
      },
    ],
    [
      'work for an hour',
      (copy) => {
        copy.kdf.passes = 4_000_000_000;
      },
    ],
    [
      'work for many minutes',
      (copy) => {
        copy.kdf.memoryKiB = 1024 * 1024 + 0;
        copy.kdf.passes = 65;
      },
    ],
    [
      'hardly any memory',
      (copy) => {
        copy.kdf.memoryKiB = 8;
      },
    ],
    [
      'no pass at all',
      (copy) => {
        copy.kdf.passes = 0;
      },
    ],
    [
      'half a pass',
      (copy) => {
        copy.kdf.passes = 1.5;
      },
    ],
    [
      'memory as a text',
      (copy) => {
        Object.assign(copy.kdf, { memoryKiB: '8192' });
      },
    ],
    [
      'negative memory',
      (copy) => {
        copy.kdf.memoryKiB = -8192;
      },
    ],
    [
      'two lanes',
      (copy) => {
        copy.kdf.parallelism = 2;
      },
    ],
    [
      'another derivation',
      (copy) => {
        copy.kdf.name = 'argon2i';
      },
    ],
    [
      'another cipher',
      (copy) => {
        copy.cipher.name = 'aes-256-gcm';
      },
    ],
    [
      'another version',
      (copy) => {
        copy.version = 2;
      },
    ],
    [
      'another key type',
      (copy) => {
        copy.publicKey.type = 'tendermint/PubKeySecp256k1';
      },
    ],
    [
      'a short salt',
      (copy) => {
        copy.kdf.salt = new Uint8Array(15).toBase64();
      },
    ],
    [
      'a short nonce',
      (copy) => {
        copy.cipher.nonce = new Uint8Array(12).toBase64();
      },
    ],
    [
      'a long ciphertext',
      (copy) => {
        copy.ciphertext = new Uint8Array(64).toBase64();
      },
    ],
    [
      'no derivation',
      (copy) => {
        Object.assign(copy, { kdf: null });
      },
    ],
  ])('is refused before any work when it asks for %s', async (_, edit) => {
    await expect(open(edited(file, edit))).rejects.toMatchObject({
      code: 'ERR_KEY_FILE_MALFORMED',
    });
  });

  test('is refused when it is cut off or no JSON', async () => {
    await expect(open(text.slice(0, -30))).rejects.toMatchObject({
      code: 'ERR_KEY_FILE_MALFORMED',
    });
    await expect(open('')).rejects.toMatchObject({ code: 'ERR_KEY_FILE_MALFORMED' });
    await expect(open('null')).rejects.toMatchObject({ code: 'ERR_KEY_FILE_MALFORMED' });
  });

  test('lets its opening be aborted, with the reason itself', async () => {
    const reason = new Error('enough');
    const abort = new AbortController();
    using given = passphrase();
    const opening = decryptKey(new TextEncoder().encode(text), given, '/k', abort);
    abort.abort(reason);
    await expect(opening).rejects.toBe(reason);
  });

  test('is derived off the main thread: other work goes on meanwhile', async () => {
    const order: string[] = [];
    const opening = open(text).then(() => order.push('opened'));
    await new Promise((resolve) => setImmediate(resolve));
    order.push('other work');
    await opening;
    expect(order).toEqual(['other work', 'opened']);
  });
});

describe('writeKeyFile', () => {
  test('encrypts with 64 MiB and 3 passes when a passphrase file is named, and openKeyFile opens it', async () => {
    using folder = new ScratchFolder();
    writeFileSync(folder.join('p'), `${PASSPHRASE}\n`, { mode: 0o600 });
    const passphraseFile = folder.join('p');
    using secret = knownSecretKey();
    await writeKeyFile(folder.join('k'), secret, { passphraseFile });
    const text = readFileSync(folder.join('k'), 'utf8');
    expect(JSON.parse(text).kdf).toMatchObject({
      name: 'argon2id',
      memoryKiB: 65_536,
      passes: 3,
      parallelism: 1,
    });
    expectNoTrace([text], knownSeed());
    await using key = await openKeyFile(folder.join('k'), { passphraseFile });
    expect(key.publicKey.bytes.toHex()).toBe(KNOWN_PUBLIC_KEY_HEX);
    await expect(openKeyFile(folder.join('k'))).rejects.toMatchObject({
      code: 'ERR_PASSPHRASE_REQUIRED',
    });
    chmodSync(passphraseFile, 0o644);
    await expect(openKeyFile(folder.join('k'), { passphraseFile })).rejects.toMatchObject({
      code: 'ERR_SECRET_FILE_PERMISSIONS',
      path: passphraseFile,
    });
  });

  test('an operator who names a passphrase file learns that the key is not encrypted', async () => {
    using folder = new ScratchFolder();
    writeFileSync(folder.join('p'), PASSPHRASE, { mode: 0o600 });
    writeFileSync(folder.join('k'), KNOWN_KEY_FILE, { mode: 0o600 });
    const options = { passphraseFile: folder.join('p') };
    await expect(openKeyFile(folder.join('k'), options)).rejects.toMatchObject({
      code: 'ERR_KEY_FILE_NOT_ENCRYPTED',
    });
    // An import reads it all the same: the passphrase is for the file that will be written.
    const { secret, isEncrypted } = await readKeyFile(folder.join('k'), options);
    using key = secret;
    expect([isEncrypted, key.publicKey.bytes.toHex()]).toEqual([false, KNOWN_PUBLIC_KEY_HEX]);
  });

  test('leaves no trace of key or passphrase in any failure (S18)', async () => {
    using folder = new ScratchFolder();
    writeFileSync(folder.join('p'), PASSPHRASE, { mode: 0o600 });
    writeFileSync(folder.join('wrong'), `not ${PASSPHRASE}`, { mode: 0o600 });
    writeFileSync(folder.join('plain'), KNOWN_KEY_FILE, { mode: 0o600 });
    using secret = knownSecretKey();
    await writeKeyFile(folder.join('k'), secret, { passphraseFile: folder.join('p') });
    const errors = await Promise.all(
      [
        openKeyFile(folder.join('k')),
        openKeyFile(folder.join('k'), { passphraseFile: folder.join('wrong') }),
        openKeyFile(folder.join('plain'), { passphraseFile: folder.join('p') }),
        openKeyFile(folder.join('p')),
        writeKeyFile(folder.join('plain'), secret),
        writeKeyFile(folder.join('no/such/folder'), secret),
      ].map((failing) =>
        Promise.resolve(failing).then(
          () => undefined,
          (error: unknown) => error,
        ),
      ),
    );
    expect(errors.map((error) => (error as { code?: string } | undefined)?.code)).toEqual([
      'ERR_PASSPHRASE_REQUIRED',
      'ERR_WRONG_PASSPHRASE',
      'ERR_KEY_FILE_NOT_ENCRYPTED',
      'ERR_KEY_FILE_MALFORMED',
      'ERR_KEY_FILE_EXISTS',
      'ERR_KEY_FILE_UNWRITABLE',
    ]);
    const shown = errors.map((error) => inspect(error, { showHidden: true, depth: 10 }));
    expectNoTrace(shown, knownSeed());
    for (const text of shown) expect(text).not.toContain('horse');
  });
});
