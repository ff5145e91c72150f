import { Pkcs11Provider } from '@privval/hsm/pkcs11/pkcs11-provider';
import { SharedModules } from '@privval/hsm/pkcs11/shared-modules';
import { expect, test } from 'vitest';
import {
  describeKeyProvider,
  type FaultUnderTest,
  type KeyProviderUnderTest,
} from '../../conformance/key-provider.ts';
import { fakeKeyPair } from '../../harness/fake-token.ts';
import {
  FAKE_KEY,
  FAKE_PIN,
  FAKE_PUBLIC_KEY,
  FAKE_SEED,
  ModuleSubject,
} from '../../harness/module-subject.ts';

const ALWAYS = 1_000_000;
const OTHER_SEED = new Uint8Array(32).fill(9);

describeKeyProvider('a PKCS#11 token', async () => subject(), [
  'unplugged',
  'stalled',
  'crashing',
  'answering garbage',
  'failing',
  'signing wrongly',
  'with another key',
  'without the key',
  'with another PIN',
  'that forgot its sessions',
  'whose process was killed',
]);

function subject(): KeyProviderUnderTest {
  const fake = new ModuleSubject({}, { patienceMs: 60_000 });
  const { clock, logger, file, options, pinFile } = fake;
  const { modulePath, main, environment } = options;
  const provider = new Pkcs11Provider(
    { modules: new SharedModules({ clock, logger }) },
    { modulePath, main, environment, token: 'validators', pinFile, key: FAKE_KEY },
  );
  const text = (secret: string): Uint8Array => new TextEncoder().encode(secret);
  return {
    provider,
    publicKey: FAKE_PUBLIC_KEY,
    secrets: [FAKE_SEED, text(FAKE_PIN)],
    limits: { shortest: { bytes: 1, code: 'ERR_PKCS11_EMPTY_MESSAGE' } },
    signatures: () => file.calls('signature'),
    faults: faultsOf(fake),
    [Symbol.asyncDispose]: async () => fake[Symbol.dispose](),
  };
}

function faultsOf(fake: ModuleSubject): Readonly<Record<string, FaultUnderTest>> {
  const { file } = fake;
  const keys = fakeKeyPair(FAKE_SEED, { ...FAKE_KEY, id: '0064' });
  const end = (): void => file.behave();
  const gone = { code: 'ERR_PKCS11_TOKEN_NOT_FOUND', remedy: 'wait' } as const;
  const late = { code: 'ERR_PKCS11_MODULE_TIMEOUT', remedy: 'wait' } as const;
  const absent = { code: 'ERR_PKCS11_KEY_NOT_FOUND', remedy: 'repair' } as const;
  const refused = { code: 'ERR_PKCS11_PIN_REFUSED', remedy: 'restart' } as const;
  const holding = (objects: typeof keys): void => {
    file.change({ objects });
    file.forgetSessions();
  };
  return {
    unplugged: {
      begin: () => file.unplug(),
      end: () => file.plug(),
      opens: gone,
      signs: 'not-at-all',
    },
    stalled: {
      begin: () => {
        file.order({ method: 'C_OpenSession', instead: 'hang', times: ALWAYS });
        file.order({ method: 'C_Sign', instead: 'hang', times: ALWAYS });
      },
      end,
      opens: late,
      signs: 'not-at-all',
    },
    crashing: {
      begin: () => file.order({ method: 'C_Sign', instead: 'crash', times: ALWAYS }),
      end,
      opens: 'the-key',
      signs: 'not-at-all',
    },
    'answering garbage': {
      begin: () => file.order({ method: 'C_Sign', instead: 'garbage', times: ALWAYS }),
      end,
      opens: 'the-key',
      signs: 'not-at-all',
    },
    failing: {
      begin: () => file.order({ method: 'C_Sign', instead: 0x5, times: ALWAYS }),
      end,
      opens: 'the-key',
      signs: 'not-at-all',
    },
    'signing wrongly': {
      begin: () => file.order({ method: 'C_Sign', instead: 'wrong-signature' }),
      opens: 'the-key',
      signs: 'wrongly',
    },
    'with another key': {
      begin: () => holding(fakeKeyPair(OTHER_SEED, { ...FAKE_KEY, id: '0064' })),
      end: () => holding(keys),
      opens: 'another-key',
      signs: 'not-at-all',
    },
    'without the key': {
      begin: () => holding([]),
      end: () => holding(keys),
      opens: absent,
      signs: 'not-at-all',
    },
    'with another PIN': {
      begin: () => {
        file.change({ pin: 'another' });
        file.forgetSessions();
      },
      end: () => file.change({ pin: FAKE_PIN }),
      opens: refused,
      signs: 'not-at-all',
    },
    'that forgot its sessions': {
      begin: () => file.forgetSessions(),
      opens: 'the-key',
      signs: 'well',
    },
    'whose process was killed': {
      // Nobody may have started it yet.
      begin: () => (fake.pids.length === 0 ? undefined : fake.killProcess()),
      opens: 'the-key',
      signs: 'well',
    },
  };
}

test.each([
  ['by label', { label: 'validator' }, 'pkcs11 "validators" key "validator"'],
  ['by id', { id: '0064' }, 'pkcs11 "validators" key with id 0x0064'],
])('a provider names token and key %s', async (_, key, name) => {
  using fake = new ModuleSubject();
  const { clock, logger, options, pinFile } = fake;
  const { modulePath, main, environment } = options;
  await using provider = new Pkcs11Provider(
    { modules: new SharedModules({ clock, logger }) },
    { modulePath, main, environment, token: 'validators', pinFile, key },
  );
  expect(provider.name).toBe(name);
  await using opened = await provider.openKey();
  expect(opened.publicKey.bytes).toEqual(FAKE_PUBLIC_KEY);
});
