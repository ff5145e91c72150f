import { checkMessage } from '@privval/hsm/check-message';
import { testPkcs11Key } from '@privval/hsm/pkcs11/test-key';
import {
  generatePkcs11Key,
  importPkcs11Key,
  listPkcs11Keys,
  listPkcs11Tokens,
  removePkcs11Key,
  type TokenOptions,
} from '@privval/hsm/pkcs11/token-administration';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { describe, expect, onTestFinished, test } from 'vitest';
import { publicKeyOf } from '../../harness/fake-token.ts';
import { FAKE_KEY, FAKE_PUBLIC_KEY, ModuleSubject } from '../../harness/module-subject.ts';

const SEED = new Uint8Array(32).fill(5);

function subject(): { readonly fake: ModuleSubject; readonly token: TokenOptions } {
  const fake = new ModuleSubject();
  onTestFinished(() => fake[Symbol.dispose]());
  const { modulePath, environment, main } = fake.options;
  return {
    fake,
    token: { modulePath, environment, main, token: 'validators', pinFile: fake.pinFile },
  };
}

describe('an operator', () => {
  test('lists tokens without a PIN', async () => {
    const { fake, token } = subject();
    expect(await listPkcs11Tokens(fake, token)).toMatchObject([
      { label: 'validators', serial: '0001', isInitialized: true, signsEd25519: true },
    ]);
    expect(fake.file.calls('C_Login')).toBe(0);
  });

  test('lists keys', async () => {
    const { fake, token } = subject();
    expect(await listPkcs11Keys(fake, token)).toMatchObject([
      { label: 'validator', id: '0064', publicKey: FAKE_PUBLIC_KEY.toHex() },
    ]);
  });

  test('makes a key with an id of its choice, or of nobody’s', async () => {
    const { fake, token } = subject();
    const chosen = await generatePkcs11Key(fake, { ...token, label: 'a', id: 0x1234 });
    expect(chosen).toMatchObject({ label: 'a', id: '1234', type: 'ed25519' });
    const other = await generatePkcs11Key(fake, { ...token, label: 'b' });
    expect(other.id).toMatch(/^[0-9a-f]{4}$/);
    expect(await listPkcs11Keys(fake, token)).toHaveLength(3);
  });

  test('brings a key in, which stays where it was too', async () => {
    const { fake, token } = subject();
    using secret = Ed25519SecretKey.fromSeed(new Uint8Array(SEED));
    const made = await importPkcs11Key(fake, { ...token, label: 'a', secret });
    expect(made.publicKey).toBe(publicKeyOf(SEED).toHex());
    expect(secret.sign(new Uint8Array(1))).toHaveLength(64);
  });

  test('takes a key away that was made and never used', async () => {
    const { fake, token } = subject();
    const key = await generatePkcs11Key(fake, { ...token, label: 'a' });
    await removePkcs11Key(fake, { ...token, key });
    expect(await listPkcs11Keys(fake, token)).toMatchObject([{ label: 'validator' }]);
    await expect(removePkcs11Key(fake, { ...token, key })).rejects.toMatchObject({
      code: 'ERR_PKCS11_KEY_NOT_FOUND',
    });
  });

  test('leaves no process behind', async () => {
    const { fake, token } = subject();
    await listPkcs11Keys(fake, token);
    await generatePkcs11Key(fake, { ...token, label: 'a' });
    expect(fake.pids).toHaveLength(2);
    expect(fake.file.calls('C_Finalize')).toBe(2);
    for (const pid of fake.pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });

  test('gives up when told to', async () => {
    const { fake, token } = subject();
    const reason = { gone: 'away' };
    const listed = listPkcs11Keys(fake, { ...token, signal: AbortSignal.abort(reason) });
    await expect(listed).rejects.toBe(reason);
  });
});

describe('a key that is tried out', () => {
  test('signs messages that begin with byte 00, another each time (S27)', async () => {
    const { fake, token } = subject();
    expect(await testPkcs11Key(fake, { ...token, key: FAKE_KEY, count: 3 })).toEqual({
      publicKey: FAKE_PUBLIC_KEY,
      isGood: true,
      signMs: [0, 0, 0],
    });
    expect(fake.file.calls('signature')).toBe(3);
    const messages = Array.from({ length: 10 }, checkMessage);
    expect(messages.every((message) => message[0] === 0)).toBe(true);
    expect(new Set(messages.map((message) => message.toHex())).size).toBe(10);
  });

  test('is not good when one signature does not verify', async () => {
    const { fake, token } = subject();
    fake.file.order(
      { method: 'C_Sign', instead: 'nothing' },
      { method: 'C_Sign', instead: 'wrong-signature' },
    );
    const tested = await testPkcs11Key(fake, { ...token, key: FAKE_KEY, count: 3 });
    expect(tested).toMatchObject({ isGood: false });
  });
});
