/** PKCS#11 against a module that is not ours: SoftHSM2 2.6.1 of Debian 12, through pkcs11js. */
import { createRequire } from 'node:module';
import { Pkcs11Provider } from '@privval/hsm/pkcs11/pkcs11-provider';
import { SharedModules } from '@privval/hsm/pkcs11/shared-modules';
import { testPkcs11Key } from '@privval/hsm/pkcs11/test-key';
import {
  generatePkcs11Key,
  importPkcs11Key,
  listPkcs11Keys,
  listPkcs11Tokens,
  removePkcs11Key,
  type TokenOptions,
} from '@privval/hsm/pkcs11/token-administration';
import type { SigningKey } from '@privval/hsm/signing-key';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { systemClock } from '@privval/proto/runtime/clock';
import { describe, expect, onTestFinished, test } from 'vitest';
import { describeKeyProvider, type KeyProviderUnderTest } from '../conformance/key-provider.ts';
import { opensslVerifies } from '../harness/independent-ed25519.ts';
import { RecordingLogger } from '../harness/recording-logger.ts';
import { SOFT_HSM_MODULE, SOFT_HSM_PIN, SoftHsm } from './soft-hsm.ts';

/** RFC 8032, section 7.1, test 2. */
const RFC = {
  seed: '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
  publicKey: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
  message: '72',
  signature:
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
};
/** A shared library that is no PKCS#11 module: the binding itself. */
const BINDING = createRequire(import.meta.resolve('@privval/hsm/pkcs11/module-main')).resolve(
  'pkcs11js/build/Release/pkcs11.node',
);
const MESSAGE = new TextEncoder().encode('sign bytes');
const KEY = { label: 'validator' };

/** A token, and what logs about it. */
function plugged(): { readonly hsm: SoftHsm; readonly token: TokenOptions } {
  const hsm = new SoftHsm();
  onTestFinished(() => hsm[Symbol.dispose]());
  return { hsm, token: hsm.createToken('validators') };
}

function deps(): { readonly clock: typeof systemClock; readonly logger: RecordingLogger } {
  return { clock: systemClock, logger: new RecordingLogger() };
}

/** Sends a signal to the module's process, if there is one. */
function signalModule(logger: RecordingLogger, signal: 'SIGKILL' | 'SIGSTOP'): void {
  const started = logger.named('PKCS#11 module started').at(-1);
  if (started !== undefined) process.kill(Number(started.fields['pid']), signal);
}

/** Ends the module's process as a crash does, and waits until that was noticed. */
async function killModule(logger: RecordingLogger): Promise<void> {
  signalModule(logger, 'SIGKILL');
  const started = logger.named('PKCS#11 module started').length;
  const ended = (): number => logger.named('the process of the PKCS#11 module ended').length;
  while (ended() < started) await systemClock.sleep(1);
}

interface Opened {
  readonly key: SigningKey;
  readonly provider: Pkcs11Provider;
  readonly logger: RecordingLogger;
}

/** The key `validator` of a token, generated and opened. */
async function opened(token: TokenOptions, key: { label: string } = KEY): Promise<Opened> {
  await generatePkcs11Key(deps(), { ...token, ...key });
  const { clock, logger } = deps();
  const modules = new SharedModules({ clock, logger });
  const provider = new Pkcs11Provider({ modules }, { ...token, key });
  onTestFinished(() => provider[Symbol.asyncDispose]());
  return { key: await provider.openKey(), provider, logger };
}

async function expectSigns(key: SigningKey): Promise<void> {
  expect(opensslVerifies(key.publicKey.bytes, MESSAGE, await key.sign(MESSAGE))).toBe(true);
}

describeKeyProvider('a SoftHSM2 token', softHsmSubject, [
  'taken out',
  'without the key',
  'with another key of that name',
  'whose process is killed',
  'whose process hangs',
]);

async function softHsmSubject(): Promise<KeyProviderUnderTest> {
  const hsm = new SoftHsm();
  const token = hsm.createToken('validators');
  const made = await generatePkcs11Key(deps(), { ...token, ...KEY });
  const publicKey = Uint8Array.fromHex(made.publicKey ?? '');
  const { clock, logger } = deps();
  const modules = new SharedModules({ clock, logger });
  const remove = (): Promise<void> => removePkcs11Key(deps(), { ...token, key: made });
  const gone = { code: 'ERR_PKCS11_TOKEN_NOT_FOUND', remedy: 'wait' } as const;
  return {
    provider: new Pkcs11Provider({ modules }, { ...token, key: KEY }),
    publicKey,
    secrets: [new TextEncoder().encode(SOFT_HSM_PIN)],
    limits: { shortest: { bytes: 1, code: 'ERR_PKCS11_EMPTY_MESSAGE' } },
    faults: {
      'taken out': {
        begin: () => hsm.unplug(),
        end: () => hsm.plug(),
        opens: gone,
        signs: 'not-at-all',
      },
      'without the key': {
        begin: remove,
        opens: { code: 'ERR_PKCS11_KEY_NOT_FOUND', remedy: 'repair' },
        signs: 'not-at-all',
      },
      'with another key of that name': {
        begin: async () => {
          await remove();
          await generatePkcs11Key(deps(), { ...token, ...KEY });
        },
        opens: 'another-key',
        signs: 'not-at-all',
      },
      'whose process is killed': {
        begin: () => killModule(logger),
        end: () => undefined,
        opens: 'the-key',
        signs: 'well',
      },
      'whose process hangs': {
        begin: () => signalModule(logger, 'SIGSTOP'),
        end: () => undefined,
        opens: 'the-key',
        signs: 'not-at-all',
      },
    },
    [Symbol.asyncDispose]: async () => hsm[Symbol.dispose](),
  };
}

describe('a SoftHSM2 token', () => {
  test('is listed beside the empty slot that SoftHSM always has', async () => {
    const { token } = plugged();
    expect(await listPkcs11Tokens(deps(), token)).toMatchObject([
      { label: 'validators', model: 'SoftHSM v2', isInitialized: true, signsEd25519: true },
      { isInitialized: false },
    ]);
  });

  test.each(['auto', 'printable-string', 'oid'] as const)(
    'makes a key whose curve is spelt as %s, never gives it out, and lists it',
    async (encoding) => {
      const { token } = plugged();
      const made = await generatePkcs11Key(deps(), { ...token, ...KEY, encoding, id: 0x64 });
      expect(made).toMatchObject({
        label: 'validator',
        id: '0064',
        type: 'ed25519',
        publicKey: expect.stringMatching(/^[0-9a-f]{64}$/),
        canSign: true,
        isExtractable: false,
        isLocal: true,
      });
      expect(await listPkcs11Keys(deps(), token)).toEqual([made]);
      const tested = await testPkcs11Key(deps(), { ...token, key: { id: '0064' }, count: 3 });
      expect(tested).toMatchObject({ isGood: true });
      expect(Buffer.from(tested.publicKey).toString('hex')).toBe(made.publicKey);
      expect(tested.signMs).toHaveLength(3);
    },
  );

  test('takes a key from outside, and signs with it as RFC 8032 says', async () => {
    const { token } = plugged();
    using secret = Ed25519SecretKey.fromSeed(Uint8Array.fromHex(RFC.seed));
    const made = await importPkcs11Key(deps(), { ...token, ...KEY, secret });
    expect(made).toMatchObject({ publicKey: RFC.publicKey, isExtractable: false, isLocal: false });
    const { clock, logger } = deps();
    const modules = new SharedModules({ clock, logger });
    await using provider = new Pkcs11Provider({ modules }, { ...token, key: KEY });
    await using key = await provider.openKey();
    expect((await key.sign(Uint8Array.fromHex(RFC.message))).toHex()).toBe(RFC.signature);
  });

  test('makes no second key of a name', async () => {
    const { token } = plugged();
    const { publicKey } = await generatePkcs11Key(deps(), { ...token, ...KEY });
    const again = generatePkcs11Key(deps(), { ...token, ...KEY });
    await expect(again).rejects.toMatchObject({ code: 'ERR_PKCS11_KEY_EXISTS' });
    using secret = Ed25519SecretKey.generate();
    const imported = importPkcs11Key(deps(), { ...token, ...KEY, secret });
    await expect(imported).rejects.toMatchObject({ code: 'ERR_PKCS11_KEY_EXISTS' });
    expect(await listPkcs11Keys(deps(), token)).toMatchObject([{ publicKey }]);
  });

  test('serves several keys from one process', async () => {
    const { token } = plugged();
    await generatePkcs11Key(deps(), { ...token, label: 'one' });
    await generatePkcs11Key(deps(), { ...token, label: 'two' });
    const { clock, logger } = deps();
    const modules = new SharedModules({ clock, logger });
    await using first = new Pkcs11Provider({ modules }, { ...token, key: { label: 'one' } });
    await using second = new Pkcs11Provider({ modules }, { ...token, key: { label: 'two' } });
    await using one = await first.openKey();
    await using two = await second.openKey();
    expect(one.publicKey).not.toEqual(two.publicKey);
    await Promise.all([one, two, one, two].map(expectSigns));
    expect(logger.named('PKCS#11 module started')).toHaveLength(1);
  });

  test('refuses a wrong PIN once, and is not asked again with it', async () => {
    const { hsm, token } = plugged();
    await generatePkcs11Key(deps(), { ...token, ...KEY });
    const pinFile = hsm.writePin('wrong', '4321');
    const { clock, logger } = deps();
    const modules = new SharedModules({ clock, logger });
    await using provider = new Pkcs11Provider({ modules }, { ...token, pinFile, key: KEY });
    for (let i = 0; i < 3; i++) {
      await expect(provider.openKey()).rejects.toMatchObject({
        code: 'ERR_PKCS11_PIN_REFUSED',
        remedy: 'restart',
        details: { ckr: 0xa0, method: 'C_Login' },
      });
    }
    expect(logger.named('PKCS#11 module started')).toHaveLength(0);
    await using right = new Pkcs11Provider({ modules }, { ...token, key: KEY });
    await using key = await right.openKey();
    await expectSigns(key);
  });

  test('is not found under another label; the error lists what is there', async () => {
    const { hsm, token } = plugged();
    hsm.createToken('other');
    const keys = listPkcs11Keys(deps(), { ...token, token: 'Validators' });
    const error = await keys.catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'ERR_PKCS11_TOKEN_NOT_FOUND', remedy: 'wait' });
    expect(String(error)).toMatch(/"validators"/);
    expect(String(error)).toMatch(/"other"/);
  });

  test('is refused when another has its label', async () => {
    const { hsm, token } = plugged();
    hsm.createToken('validators');
    await expect(listPkcs11Keys(deps(), token)).rejects.toMatchObject({
      code: 'ERR_PKCS11_TOKEN_AMBIGUOUS',
      remedy: 'repair',
    });
  });

  test('without the key says which it has', async () => {
    const { token } = plugged();
    await generatePkcs11Key(deps(), { ...token, ...KEY });
    const { clock, logger } = deps();
    const modules = new SharedModules({ clock, logger });
    await using provider = new Pkcs11Provider(
      { modules },
      { ...token, key: { label: 'Validator' } },
    );
    await expect(provider.openKey()).rejects.toMatchObject({
      code: 'ERR_PKCS11_KEY_NOT_FOUND',
      remedy: 'repair',
      details: { labels: ['validator'] },
    });
  });
});

describe('a module’s process', () => {
  test('that is killed in the middle of a signature is replaced (S32)', async () => {
    const { token } = plugged();
    const { key, logger } = await opened(token);
    await expectSigns(key);
    // Stopped, it has the request and cannot finish it.
    signalModule(logger, 'SIGSTOP');
    const asked = key.sign(MESSAGE).catch((error: unknown) => error);
    await systemClock.sleep(20);
    signalModule(logger, 'SIGKILL');
    expect(await asked).toMatchObject({
      code: 'ERR_PKCS11_MODULE_CRASHED',
      remedy: 'wait',
      details: { how: 'SIGKILL' },
    });
    await expectSigns(key);
  });

  test('that hangs is killed at its deadline of 700 ms, and the next signature works (S32)', async () => {
    const { token } = plugged();
    const { key, logger } = await opened(token);
    await expectSigns(key);
    signalModule(logger, 'SIGSTOP');
    const startMs = performance.now();
    await expect(key.sign(MESSAGE)).rejects.toMatchObject({
      code: 'ERR_PKCS11_MODULE_TIMEOUT',
      remedy: 'wait',
    });
    expect(performance.now() - startMs).toBeGreaterThan(690);
    await expectSigns(key);
    expect(logger.named('PKCS#11 module started')).toHaveLength(2);
  });

  test.each([
    ['is not there', '/nowhere/pkcs11.so', /cannot open shared object file/],
    ['is no library', '/etc/hostname', /cannot load/],
    ['is another kind of library', BINDING, /C_GetFunctionList/],
  ])('says so when the module %s', async (_, modulePath, text) => {
    await expect(listPkcs11Tokens(deps(), { modulePath })).rejects.toMatchObject({
      code: 'ERR_PKCS11_MODULE_UNLOADABLE',
      remedy: 'repair',
      message: expect.stringMatching(text),
    });
  });

  test('says so when the module’s own configuration is wrong', async () => {
    const environment = { SOFTHSM2_CONF: '/nowhere/softhsm2.conf' };
    const listed = listPkcs11Tokens(deps(), { modulePath: SOFT_HSM_MODULE, environment });
    await expect(listed).rejects.toMatchObject({
      code: 'ERR_PKCS11_CALL_FAILED',
      details: { ckr: 5, method: 'C_Initialize' },
    });
  });
});
