import { chmodSync, renameSync, writeFileSync } from 'node:fs';
import { encryptKey } from '@privval/hsm/file/encrypted-key';
import { FileKeyProvider } from '@privval/hsm/file/file-provider';
import { writeKeyFile } from '@privval/hsm/file/open-key-file';
import { MemoryKeyProvider } from '@privval/hsm/memory/memory-provider';
import { GuardedBytes } from '@privval/proto/crypto/guarded-memory';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import {
  describeKeyProvider,
  type FaultUnderTest,
  type KeyProviderUnderTest,
} from '../conformance/key-provider.ts';
import { type FakeCondition, FakeProvider } from '../harness/fake-provider.ts';
import { ManualClock } from '../harness/manual-clock.ts';
import { ScratchFolder } from '../harness/scratch-folder.ts';
import { KNOWN_PUBLIC_KEY_HEX, knownSecretKey, knownSeed } from './known-key.ts';

/** What a passphrase costs to try, here: next to nothing. */
const CHEAP = { memoryKiB: 8_192, passes: 1 };
const PASSPHRASE = 'correct horse battery staple';
const publicKey = Uint8Array.fromHex(KNOWN_PUBLIC_KEY_HEX);

describeKeyProvider('a secret in memory', async () => ({
  provider: new MemoryKeyProvider({ secret: knownSecretKey() }, { name: 'memory' }),
  publicKey,
  secrets: [knownSeed()],
  [Symbol.asyncDispose]: async () => undefined,
}));

describeKeyProvider('a FilePV file', () => fileSubject({ isEncrypted: false }), [
  'missing',
  'readable by others',
  'of another key',
]);

describeKeyProvider('an encrypted key file', () => fileSubject({ isEncrypted: true }), [
  'missing',
  'readable by others',
  'of another key',
  'with another passphrase',
]);

describeKeyProvider('a fake device', () => fakeSubject({}), [
  'unplugged',
  'stalled',
  'failing',
  'signing wrongly',
  'with another key',
  'without the key',
  'with another password',
]);

describeKeyProvider('a fake device that takes its time', () => fakeSubject({ signMs: 115 }), [
  'unplugged',
  'stalled',
  'signing wrongly',
]);

/** A key that was read lies in memory: nothing that befalls its file can touch it. */
async function fileSubject(options: {
  readonly isEncrypted: boolean;
}): Promise<KeyProviderUnderTest> {
  const folder = new ScratchFolder();
  const keyFile = folder.join('key.json');
  const passphraseFile = options.isEncrypted ? folder.join('passphrase') : undefined;
  if (passphraseFile !== undefined) writeFileSync(passphraseFile, PASSPHRASE, { mode: 0o600 });
  const write = async (secret: Ed25519SecretKey): Promise<void> => {
    using owned = secret;
    if (passphraseFile === undefined) return writeKeyFile(keyFile, owned);
    using passphrase = GuardedBytes.take(new TextEncoder().encode(PASSPHRASE));
    writeFileSync(keyFile, await encryptKey(owned, passphrase, { cost: CHEAP }), { mode: 0o600 });
  };
  await write(knownSecretKey());
  const aside = folder.join('aside.json');
  const opened = (code: string, remedy: 'repair' | 'restart' = 'repair') => ({ code, remedy });
  return {
    provider: new FileKeyProvider({ keyFile, passphraseFile }),
    publicKey,
    secrets: [knownSeed(), new TextEncoder().encode(PASSPHRASE)],
    faults: {
      missing: {
        begin: () => renameSync(keyFile, aside),
        end: () => renameSync(aside, keyFile),
        opens: opened('ERR_SECRET_FILE_UNREADABLE'),
        signs: 'well',
      },
      'readable by others': {
        begin: () => chmodSync(keyFile, 0o644),
        end: () => chmodSync(keyFile, 0o600),
        opens: opened('ERR_SECRET_FILE_PERMISSIONS'),
        signs: 'well',
      },
      'of another key': {
        begin: async () => {
          renameSync(keyFile, aside);
          await write(Ed25519SecretKey.generate());
        },
        end: () => renameSync(aside, keyFile),
        opens: 'another-key',
        signs: 'well',
      },
      'with another passphrase': {
        begin: () => writeFileSync(passphraseFile ?? aside, 'another', { mode: 0o600 }),
        opens: opened('ERR_WRONG_PASSPHRASE', 'restart'),
        signs: 'well',
      },
    },
    [Symbol.asyncDispose]: async () => folder[Symbol.dispose](),
  };
}

async function fakeSubject(options: { readonly signMs?: number }): Promise<KeyProviderUnderTest> {
  const clock = new ManualClock();
  const provider = new FakeProvider({ clock }, { ...options, seed: knownSeed() });
  const fault = (
    condition: FakeCondition,
    opens: FaultUnderTest['opens'],
    signs: FaultUnderTest['signs'],
  ): FaultUnderTest => ({
    begin: () => {
      provider.condition = condition;
    },
    end: () => {
      provider.condition = 'healthy';
    },
    opens,
    signs,
  });
  return {
    provider,
    publicKey,
    secrets: [knownSeed()],
    limits: { longest: { bytes: 2_019, code: 'ERR_FAKE_MESSAGE_TOO_LONG' } },
    signatures: () => provider.taken.length,
    passTime: () => clock.advance(115),
    faults: {
      unplugged: fault('unplugged', { code: 'ERR_FAKE_GONE', remedy: 'wait' }, 'not-at-all'),
      stalled: fault('stalled', { code: 'ERR_FAKE_DEADLINE', remedy: 'wait' }, 'not-at-all'),
      failing: fault('failing', 'the-key', 'not-at-all'),
      'signing wrongly': fault('wrong-signature', 'the-key', 'wrongly'),
      'with another key': fault('another-key', 'another-key', 'not-at-all'),
      'without the key': fault(
        'key-missing',
        { code: 'ERR_FAKE_KEY_MISSING', remedy: 'repair' },
        'not-at-all',
      ),
      'with another password': fault(
        'wrong-password',
        { code: 'ERR_FAKE_WRONG_PASSWORD', remedy: 'restart' },
        'not-at-all',
      ),
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}
