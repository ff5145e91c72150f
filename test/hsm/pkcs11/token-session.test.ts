import { initialize } from '@privval/hsm/pkcs11/cryptoki';
import type { TokenKey } from '@privval/hsm/pkcs11/module-protocol';
import { TokenSession } from '@privval/hsm/pkcs11/token-session';
import { describe, expect, onTestFinished, test } from 'vitest';
import { FakeCryptoki } from '../../harness/fake-cryptoki.ts';
import {
  FakeModuleFile,
  type FakeToken,
  fakeKeyPair,
  fakeToken,
  publicKeyOf,
  ulong,
} from '../../harness/fake-token.ts';
import { opensslVerifies } from '../../harness/independent-ed25519.ts';
import { ScratchFolder } from '../../harness/scratch-folder.ts';

const SEED = new Uint8Array(32).fill(1);
const PUBLIC_KEY = publicKeyOf(SEED).toHex();
const OTHER_SEED = new Uint8Array(32).fill(2);
const KEY = { label: 'validator' };
const MESSAGE = new TextEncoder().encode('sign bytes');
const OBJECTS = fakeKeyPair(SEED, { ...KEY, id: '0064' });

/** A module, and what is plugged into it. */
interface Plugged {
  readonly file: FakeModuleFile;
  readonly cryptoki: FakeCryptoki;
}

/** A module with these tokens; by default one that holds the one key. */
function module(...tokens: readonly Partial<FakeToken>[]): Plugged {
  const folder = new ScratchFolder();
  onTestFinished(() => folder[Symbol.dispose]());
  const present = tokens.length === 0 ? [{}] : tokens;
  const file = FakeModuleFile.create(
    folder.join('module.json'),
    ...present.map((fields) => fakeToken({ objects: OBJECTS, ...fields })),
  );
  const cryptoki = new FakeCryptoki(file);
  initialize(cryptoki);
  return { file, cryptoki };
}

function open(
  { cryptoki }: { readonly cryptoki: FakeCryptoki },
  options: { readonly token?: string; readonly pin?: string; readonly isReadWrite?: boolean } = {},
): TokenSession {
  return TokenSession.open(cryptoki, {
    token: 'validators',
    pin: '1234',
    isReadWrite: false,
    ...options,
  });
}

function expectGood(signature: Uint8Array): void {
  expect(opensslVerifies(publicKeyOf(SEED), MESSAGE, signature)).toBe(true);
}

function refusal(code: string, fields: object = {}): unknown {
  return expect.objectContaining({ code, ...fields });
}

describe('the token', () => {
  test('is found by its label, without the padding', () => {
    const session = open(module({ label: 'other', serial: '7' }, {}));
    expect(session.describe()).toMatchObject({
      label: 'validators',
      serial: '0001',
      model: 'fake',
      isInitialized: true,
      signsEd25519: true,
    });
  });

  test.each([
    ['another case', 'Validators'],
    ['a blank more', 'validators '],
    ['a part of it', 'validator'],
  ])('is not found by %s; the error lists what is there', (_, token) => {
    const plugged = module({}, { label: 'other' });
    expect(() => open(plugged, { token })).toThrow(
      refusal('ERR_PKCS11_TOKEN_NOT_FOUND', {
        remedy: 'wait',
        details: { token, labels: ['validators', 'other'] },
      }),
    );
  });

  test('is not found while it is uninitialized, or taken out', () => {
    const plugged = module({ flags: 0 }, { isPlugged: false });
    expect(() => open(plugged)).toThrow(
      refusal('ERR_PKCS11_TOKEN_NOT_FOUND', { details: { token: 'validators', labels: [] } }),
    );
  });

  test('is found although another slot cannot be read', () => {
    const plugged = module({ label: 'broken' }, {});
    plugged.file.order({ method: 'C_GetTokenInfo', instead: 0x5 });
    expect(open(plugged).describe().label).toBe('validators');
  });

  test('may be the one that cannot be read: then that is told', () => {
    const plugged = module({}, { label: 'other' });
    plugged.file.order({ method: 'C_GetTokenInfo', instead: 0x5 });
    expect(() => open(plugged)).toThrow(
      refusal('ERR_PKCS11_CALL_FAILED', { details: { ckr: 0x5, method: 'C_GetTokenInfo' } }),
    );
  });

  test('is refused when two have the label; the error tells them apart', () => {
    const plugged = module({}, { serial: '0002' });
    expect(() => open(plugged)).toThrow(
      refusal('ERR_PKCS11_TOKEN_AMBIGUOUS', {
        remedy: 'repair',
        details: {
          token: 'validators',
          labels: ['validators', 'validators'],
          serials: ['0001', '0002'],
        },
      }),
    );
  });

  test.each([
    ['has no EdDSA at all', {}],
    ['only verifies with it', { 4183: 0x2000 }],
  ])('is refused when it %s', (_, mechanisms) => {
    const session = open(module({ mechanisms }));
    expect(() => session.openKey(KEY)).toThrow(
      refusal('ERR_PKCS11_MECHANISM_MISSING', { remedy: 'repair' }),
    );
  });
});

describe('the PIN', () => {
  test('that is wrong is tried once', () => {
    const plugged = module();
    expect(() => open(plugged, { pin: '4321' })).toThrow(
      refusal('ERR_PKCS11_PIN_REFUSED', {
        remedy: 'restart',
        details: { ckr: 0xa0, method: 'C_Login' },
      }),
    );
    expect(plugged.file.calls('C_Login')).toBe(1);
  });

  test.each([
    ['is locked', 0x4_0000, 'ERR_PKCS11_PIN_REFUSED'],
    ['would be locked by one more wrong try', 0x2_0000, 'ERR_PKCS11_PIN_FINAL_TRY'],
  ])('is not tried when it %s', (_, flag, code) => {
    const plugged = module({ flags: 0x400 | flag });
    expect(() => open(plugged)).toThrow(refusal(code, { remedy: 'restart' }));
    expect(plugged.file.calls('C_Login')).toBe(0);
  });

  test('of a module that says so in its own way is not tried again either', () => {
    const plugged = module();
    plugged.file.order({ method: 'C_Login', instead: 0x82 });
    expect(() => open(plugged)).toThrow(refusal('ERR_PKCS11_PIN_REFUSED', { remedy: 'restart' }));
  });

  test('says nothing about itself when the device fails', () => {
    const plugged = module();
    plugged.file.order({ method: 'C_Login', instead: 0x30 });
    expect(() => open(plugged)).toThrow(refusal('ERR_PKCS11_CALL_FAILED', { remedy: 'wait' }));
  });

  test('of another login is not ours: somebody else logged in before us', () => {
    const plugged = module();
    plugged.file.order({ method: 'C_Login', instead: 0x100 });
    expect(() => open(plugged)).toThrow(
      refusal('ERR_PKCS11_CALL_FAILED', { details: { ckr: 0x100, method: 'C_Login' } }),
    );
  });
});

describe('the key', () => {
  test.each([
    ['its label', KEY],
    ['its id', { id: '0064' }],
  ])('is opened by %s: its public half comes from the public object', (_, selector) => {
    expect(open(module()).openKey(selector)).toEqual({
      label: 'validator',
      id: '0064',
      type: 'ed25519',
      publicKey: PUBLIC_KEY,
      canSign: true,
      isExtractable: false,
      isLocal: false,
    });
  });

  test('is opened in a session of its own, without a signature (S26)', () => {
    const plugged = module();
    const session = open(plugged);
    const before = plugged.file.calls('C_OpenSession');
    session.openKey(KEY);
    expect(plugged.file.calls('C_OpenSession')).toBe(before + 1);
    expect(plugged.file.calls('C_SignInit')).toBe(0);
  });

  const [privateHalf = {}, publicHalf = {}] = OBJECTS;
  const without = (object: Readonly<Record<number, string>>, type: number) =>
    Object.fromEntries(Object.entries(object).filter(([name]) => Number(name) !== type));

  test.each([
    [
      'from the private object, where there is no public one',
      [{ ...privateHalf, 385: publicHalf[0x181] ?? '' }],
    ],
    [
      'from the public object of the same label, where there is no id',
      [without(privateHalf, 0x102), without(publicHalf, 0x102)],
    ],
    ['as a bare point', [privateHalf, { ...publicHalf, 385: PUBLIC_KEY }]],
    ['as a BIT STRING', [privateHalf, { ...publicHalf, 385: `032100${PUBLIC_KEY}` }]],
    ['without a curve', [without(privateHalf, 0x180), publicHalf]],
    ['with the curve as an OID', [{ ...privateHalf, 384: '06032b6570' }, publicHalf]],
    [
      'beside an RSA key of the same name',
      [...OBJECTS, { 0: ulong(3), 3: privateHalf[0x3] ?? '', 256: ulong(0), 264: '01' }],
    ],
    [
      'when its public half is there twice',
      [privateHalf, publicHalf, { ...publicHalf, 385: PUBLIC_KEY }],
    ],
  ] as const)('gives its public half %s', (_, objects) => {
    expect(open(module({ objects })).openKey(KEY).publicKey).toBe(PUBLIC_KEY);
  });

  test.each([
    ['is not there', [], 'ERR_PKCS11_KEY_NOT_FOUND', /no private key "validator"; it has: none/],
    [
      'has another label',
      fakeKeyPair(SEED, { label: 'Validator', id: '01' }),
      'ERR_PKCS11_KEY_NOT_FOUND',
      /it has: "Validator"/,
    ],
    [
      'is there twice',
      [...OBJECTS, ...fakeKeyPair(OTHER_SEED, { ...KEY, id: '0065' })],
      'ERR_PKCS11_KEY_AMBIGUOUS',
      /"0064", "0065"/,
    ],
    ['is an RSA key', [{ ...privateHalf, 256: ulong(0) }], 'ERR_PKCS11_KEY_UNSUITABLE', /type rsa/],
    [
      'is on the other Edwards curve',
      [{ ...privateHalf, 384: '06032b6571' }, publicHalf],
      'ERR_PKCS11_KEY_UNSUITABLE',
      /type ed448/,
    ],
    [
      'may not sign',
      [{ ...privateHalf, 264: '00' }, publicHalf],
      'ERR_PKCS11_KEY_UNSUITABLE',
      /CKA_SIGN/,
    ],
    ['has no public half', [privateHalf], 'ERR_PKCS11_KEY_UNSUITABLE', /public half/],
    [
      'has two different public halves',
      [privateHalf, publicHalf, { ...publicHalf, 385: `0420${'11'.repeat(32)}` }],
      'ERR_PKCS11_KEY_UNSUITABLE',
      /public half/,
    ],
  ] as const)('is refused when it %s', (_, objects, code, text) => {
    const session = open(module({ objects }));
    expect(() => session.openKey(KEY)).toThrow(
      refusal(code, { remedy: 'repair', message: expect.stringMatching(text) }),
    );
  });

  test('is one of those that are listed, of every type', () => {
    const rsa = { 0: ulong(3), 3: Buffer.from('tls').toString('hex'), 256: ulong(0) };
    const listed: readonly TokenKey[] = open(module({ objects: [...OBJECTS, rsa] })).listKeys();
    expect(listed).toMatchObject([
      { label: 'validator', type: 'ed25519', publicKey: PUBLIC_KEY },
      { label: 'tls', type: 'rsa', canSign: false },
    ]);
  });
});

describe('a signature', () => {
  test('is made by CKM_EDDSA without a parameter, over the message itself', () => {
    const session = open(module());
    session.openKey(KEY);
    expectGood(session.sign(KEY, PUBLIC_KEY, MESSAGE));
  });

  test.each([
    ['the token forgot its sessions', ({ file }: Plugged) => file.forgetSessions()],
    ['the module forgot that it was initialized', ({ cryptoki }: Plugged) => cryptoki.C_Finalize()],
    [
      'the token was out and is back',
      ({ file }: Plugged) => {
        file.unplug();
        file.plug();
      },
    ],
    ...(
      [
        ['the device failed', 'C_Sign', 0x30],
        ['the session was closed', 'C_SignInit', 0xb0],
        ['the key handle is gone', 'C_SignInit', 0x60],
        ['nobody is logged in', 'C_SignInit', 0x101],
        ['an operation was left unfinished', 'C_SignInit', 0x90],
      ] as const
    ).map(
      ([title, method, instead]) =>
        [title, ({ file }: Plugged) => file.order({ method, instead })] as const,
    ),
  ] as const)('comes in a new session, over the same bytes, when %s (S30)', (_, happens) => {
    const plugged = module();
    const session = open(plugged);
    session.openKey(KEY);
    happens(plugged);
    expectGood(session.sign(KEY, PUBLIC_KEY, MESSAGE));
    expect(plugged.file.calls('signature')).toBe(1);
  });

  test('is asked for twice and no more', () => {
    const plugged = module();
    const session = open(plugged);
    session.openKey(KEY);
    plugged.file.order({ method: 'C_Sign', instead: 0x30, times: 5 });
    expect(() => session.sign(KEY, PUBLIC_KEY, MESSAGE)).toThrow(
      refusal('ERR_PKCS11_CALL_FAILED', { remedy: 'wait' }),
    );
    expect(plugged.file.calls('C_Sign')).toBe(2);
  });

  test('is not asked for again when nothing says that this would help', () => {
    const plugged = module();
    const session = open(plugged);
    session.openKey(KEY);
    plugged.file.order({ method: 'C_Sign', instead: 0x5 });
    expect(() => session.sign(KEY, PUBLIC_KEY, MESSAGE)).toThrow(refusal('ERR_PKCS11_CALL_FAILED'));
    expect(plugged.file.calls('C_Sign')).toBe(1);
    expectGood(session.sign(KEY, PUBLIC_KEY, MESSAGE));
  });

  test('is not made while the token is out, and is made when it is back', () => {
    const plugged = module();
    const session = open(plugged);
    session.openKey(KEY);
    plugged.file.unplug();
    const sign = (): Uint8Array => session.sign(KEY, PUBLIC_KEY, MESSAGE);
    expect(sign).toThrow(refusal('ERR_PKCS11_TOKEN_NOT_FOUND', { remedy: 'wait' }));
    expect(sign).toThrow(refusal('ERR_PKCS11_TOKEN_NOT_FOUND', { remedy: 'wait' }));
    plugged.file.plug();
    expectGood(sign());
  });

  test('is not made by another key that has come into the same place', () => {
    const plugged = module();
    const session = open(plugged);
    session.openKey(KEY);
    plugged.file.change({ objects: fakeKeyPair(OTHER_SEED, { ...KEY, id: '0064' }) });
    plugged.file.forgetSessions();
    expect(() => session.sign(KEY, PUBLIC_KEY, MESSAGE)).toThrow(
      refusal('ERR_PKCS11_KEY_CHANGED', {
        remedy: 'repair',
        details: {
          key: '"validator"',
          expected: PUBLIC_KEY,
          actual: publicKeyOf(OTHER_SEED).toHex(),
        },
      }),
    );
    expect(plugged.file.calls('signature')).toBe(0);
  });

  test('tells the first failure when the module then shows the token without its keys', () => {
    const plugged = module();
    const session = open(plugged);
    session.openKey(KEY);
    plugged.file.change({ objects: [] });
    plugged.file.order({ method: 'C_SignInit', instead: 0x60 });
    expect(() => session.sign(KEY, PUBLIC_KEY, MESSAGE)).toThrow(
      refusal('ERR_PKCS11_CALL_FAILED', {
        remedy: 'wait',
        details: { ckr: 0x60, method: 'C_SignInit' },
      }),
    );
  });

  test('tries a PIN that was changed meanwhile once', () => {
    const plugged = module();
    const session = open(plugged);
    session.openKey(KEY);
    plugged.file.change({ pin: '9999' });
    plugged.file.forgetSessions();
    const before = plugged.file.calls('C_Login');
    expect(() => session.sign(KEY, PUBLIC_KEY, MESSAGE)).toThrow(
      refusal('ERR_PKCS11_PIN_REFUSED', { remedy: 'restart' }),
    );
    expect(plugged.file.calls('C_Login')).toBe(before + 1);
  });

  test('over an empty message is refused before the module sees it', () => {
    const plugged = module();
    const session = open(plugged);
    session.openKey(KEY);
    expect(() => session.sign(KEY, PUBLIC_KEY, new Uint8Array(0))).toThrow(
      refusal('ERR_PKCS11_EMPTY_MESSAGE', { blamesKey: false }),
    );
    expect(plugged.file.calls('C_SignInit')).toBe(0);
    expectGood(session.sign(KEY, PUBLIC_KEY, MESSAGE));
  });

  test('over too long a message says nothing against the key', () => {
    const session = open(module({ maxMessageBytes: 20 }));
    session.openKey(KEY);
    expect(() => session.sign(KEY, PUBLIC_KEY, new Uint8Array(21))).toThrow(
      refusal('ERR_PKCS11_MESSAGE_TOO_LONG', { blamesKey: false }),
    );
    expectGood(session.sign(KEY, PUBLIC_KEY, MESSAGE));
  });

  test('of a wrong length is none', () => {
    const plugged = module();
    const session = open(plugged);
    session.openKey(KEY);
    plugged.file.order({ method: 'C_Sign', instead: 'short-signature' });
    expect(() => session.sign(KEY, PUBLIC_KEY, MESSAGE)).toThrow(
      refusal('ERR_PKCS11_UNEXPECTED_ANSWER', { message: expect.stringMatching(/63 bytes/) }),
    );
    expectGood(session.sign(KEY, PUBLIC_KEY, MESSAGE));
  });
});

describe('a session', () => {
  test('is one at a time: what is not used any more is closed', () => {
    const plugged = module();
    const session = open(plugged);
    for (let i = 0; i < 5; i++) session.openKey(KEY);
    plugged.file.order({ method: 'C_Sign', instead: 0x30 });
    session.sign(KEY, PUBLIC_KEY, MESSAGE);
    const opened = plugged.file.calls('C_OpenSession');
    expect(opened - plugged.file.calls('C_CloseSession')).toBe(1);
    session.close();
    expect(opened - plugged.file.calls('C_CloseSession')).toBe(0);
  });

  test('for signing cannot write', () => {
    const session = open(module());
    expect(() =>
      session.generate({ label: 'new', firstId: 1, encodings: ['printable-string'] }),
    ).toThrow(
      refusal('ERR_PKCS11_CALL_FAILED', { details: { ckr: 0xb5, method: 'C_GenerateKeyPair' } }),
    );
  });
});
