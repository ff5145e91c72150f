import { initialize } from '@privval/hsm/pkcs11/cryptoki';
import { CKA, CKK, CKO } from '@privval/hsm/pkcs11/cryptoki-numbers';
import {
  generatedPrivateKey,
  generatedPublicKey,
  importedPrivateKey,
  importedPublicKey,
} from '@privval/hsm/pkcs11/key-maker';
import { TokenSession } from '@privval/hsm/pkcs11/token-session';
import { describe, expect, onTestFinished, test } from 'vitest';
import { FakeCryptoki } from '../../harness/fake-cryptoki.ts';
import {
  FakeModuleFile,
  type FakeToken,
  fakeKeyPair,
  fakeToken,
  publicKeyOf,
} from '../../harness/fake-token.ts';
import { opensslVerifies } from '../../harness/independent-ed25519.ts';
import { ScratchFolder } from '../../harness/scratch-folder.ts';

const SEED = new Uint8Array(32).fill(3);
const PUBLIC_KEY = publicKeyOf(SEED).toHex();
const PRINTABLE = '130c656477617264733235353139';
const OID = '06032b6570';
const NAME = { label: 'validator', id: Uint8Array.of(0, 0x64) };
const NEW = { label: 'validator', firstId: 0x64, encodings: ['printable-string', 'oid'] } as const;
const MESSAGE = new TextEncoder().encode('sign bytes');

function open(fields: Partial<FakeToken> = {}): {
  readonly file: FakeModuleFile;
  readonly session: TokenSession;
} {
  const folder = new ScratchFolder();
  onTestFinished(() => folder[Symbol.dispose]());
  const file = FakeModuleFile.create(folder.join('module.json'), fakeToken(fields));
  const cryptoki = new FakeCryptoki(file);
  initialize(cryptoki);
  const options = { token: 'validators', pin: '1234', isReadWrite: true };
  return { file, session: TokenSession.open(cryptoki, options) };
}

/** What is left on the token. */
function objectsOf(file: FakeModuleFile): readonly object[] {
  const [token] = file.read().tokens;
  return (token?.objects ?? []).filter((object) => Object.keys(object).length > 0);
}

describe('the templates (hsm.md 6.4)', () => {
  const hex = (template: readonly { readonly type: number; readonly value?: unknown }[]): unknown =>
    template.map(({ type, value }) => [type, value instanceof Uint8Array ? value.toHex() : value]);

  test('of a key that is generated are the ones that SoftHSM’s and Yubico’s modules both take', () => {
    expect(hex(generatedPublicKey(NAME, 'printable-string'))).toEqual([
      [CKA.CLASS, CKO.PUBLIC_KEY],
      [CKA.KEY_TYPE, CKK.EC_EDWARDS],
      [CKA.TOKEN, true],
      [CKA.VERIFY, true],
      [CKA.LABEL, 'validator'],
      [CKA.ID, '0064'],
      [CKA.EC_PARAMS, PRINTABLE],
    ]);
    expect(hex(generatedPrivateKey(NAME))).toEqual([
      [CKA.CLASS, CKO.PRIVATE_KEY],
      [CKA.KEY_TYPE, CKK.EC_EDWARDS],
      [CKA.TOKEN, true],
      [CKA.PRIVATE, true],
      [CKA.SENSITIVE, true],
      [CKA.EXTRACTABLE, false],
      [CKA.SIGN, true],
      [CKA.LABEL, 'validator'],
      [CKA.ID, '0064'],
    ]);
  });

  test('of a key from outside have the curve, and the seed or the point besides', () => {
    expect(hex(importedPrivateKey(NAME, 'oid', SEED).slice(-2))).toEqual([
      [CKA.EC_PARAMS, OID],
      [CKA.VALUE, SEED.toHex()],
    ]);
    const point = importedPublicKey(NAME, 'oid', Uint8Array.fromHex(PUBLIC_KEY)).slice(-2);
    expect(hex(point)).toEqual([
      [CKA.EC_PARAMS, OID],
      [CKA.EC_POINT, `0420${PUBLIC_KEY}`],
    ]);
  });
});

describe('a key that is generated', () => {
  test('is read back, never comes out, and signs', () => {
    const { session } = open();
    const made = session.generate(NEW);
    expect(made).toMatchObject({
      label: 'validator',
      id: '0064',
      type: 'ed25519',
      canSign: true,
      isExtractable: false,
      isLocal: true,
    });
    const { publicKey = '' } = made;
    const signature = session.sign({ label: 'validator' }, publicKey, MESSAGE);
    expect(opensslVerifies(Uint8Array.fromHex(publicKey), MESSAGE, signature)).toBe(true);
  });

  test.each([
    ['the name first', [PRINTABLE, OID], NEW.encodings, 1],
    ['the OID when the token does not know the name', [OID], NEW.encodings, 2],
    ['what was asked for alone', [PRINTABLE, OID], ['oid'] as const, 1],
  ])('is asked for by %s', (_, curves, encodings, attempts) => {
    const { file, session } = open({ curves });
    session.generate({ ...NEW, encodings });
    expect(file.calls('C_GenerateKeyPair')).toBe(attempts);
  });

  test('is not made by a token that knows none of the spellings', () => {
    const { session } = open({ curves: [] });
    expect(() => session.generate(NEW)).toThrow(
      expect.objectContaining({
        code: 'ERR_PKCS11_CALL_FAILED',
        details: { ckr: 0x140, method: 'C_GenerateKeyPair' },
      }),
    );
  });

  test('is not asked for in another spelling when the token refuses for another reason', () => {
    const { file, session } = open();
    file.order({ method: 'C_GenerateKeyPair', instead: 0xe2 });
    expect(() => session.generate(NEW)).toThrow(
      expect.objectContaining({ code: 'ERR_PKCS11_CALL_FAILED' }),
    );
    expect(file.calls('C_GenerateKeyPair')).toBe(1);
  });

  test('is not made by a token without the mechanism', () => {
    const { file, session } = open({ mechanisms: { 4183: 0x2800 } });
    expect(() => session.generate(NEW)).toThrow(
      expect.objectContaining({ code: 'ERR_PKCS11_MECHANISM_MISSING' }),
    );
    expect(file.calls('C_GenerateKeyPair')).toBe(0);
  });

  test('gets the next free id', () => {
    const objects = [
      ...fakeKeyPair(SEED, { label: 'a', id: '0064' }),
      ...fakeKeyPair(SEED, { label: 'b', id: '0065' }),
    ];
    expect(open({ objects }).session.generate(NEW).id).toBe('0066');
  });

  test('gets an id below 0xffff and above 0: devices have a meaning for those', () => {
    const objects = fakeKeyPair(SEED, { label: 'a', id: 'fffe' });
    expect(open({ objects }).session.generate({ ...NEW, firstId: 0xfffe }).id).toBe('0001');
  });

  test('never takes a label that is taken', () => {
    const { file, session } = open({
      objects: fakeKeyPair(SEED, { label: 'validator', id: '01' }),
    });
    expect(() => session.generate(NEW)).toThrow(
      expect.objectContaining({ code: 'ERR_PKCS11_KEY_EXISTS', details: { key: '"validator"' } }),
    );
    expect(file.calls('C_GenerateKeyPair')).toBe(0);
  });
});

describe('a key from outside', () => {
  test('signs as it did outside', () => {
    const { session } = open();
    expect(session.import(NEW, SEED, PUBLIC_KEY)).toMatchObject({
      publicKey: PUBLIC_KEY,
      isExtractable: false,
      isLocal: false,
    });
    const signature = session.sign({ label: 'validator' }, PUBLIC_KEY, MESSAGE);
    expect(opensslVerifies(publicKeyOf(SEED), MESSAGE, signature)).toBe(true);
  });

  test('is told to a token in the spelling it knows, and is there once', () => {
    const { file, session } = open({ curves: [OID] });
    session.import(NEW, SEED, PUBLIC_KEY);
    expect(objectsOf(file)).toHaveLength(2);
  });

  test('is there once although the first spelling was refused half-way', () => {
    const { file, session } = open();
    file.order(
      { method: 'C_CreateObject', instead: 'nothing' },
      { method: 'C_CreateObject', instead: 0x13 },
    );
    expect(session.import(NEW, SEED, PUBLIC_KEY)).toMatchObject({ publicKey: PUBLIC_KEY });
    expect(file.calls('C_CreateObject')).toBe(4);
    expect(objectsOf(file)).toHaveLength(2);
  });

  test('is refused by a token that takes none; nothing is left behind', () => {
    const { file, session } = open({ takesKeys: false });
    expect(() => session.import(NEW, SEED, PUBLIC_KEY)).toThrow(
      expect.objectContaining({
        code: 'ERR_PKCS11_IMPORT_REFUSED',
        details: { ckr: 0xd1, method: 'C_CreateObject' },
      }),
    );
    expect(objectsOf(file)).toEqual([]);
  });

  test('of which only one half was taken is taken back', () => {
    const { file, session } = open({ curves: [PRINTABLE] });
    // The private half is written, and then the token is full.
    file.order(
      { method: 'C_CreateObject', instead: 'nothing' },
      { method: 'C_CreateObject', instead: 0x31 },
    );
    expect(() => session.import(NEW, SEED, PUBLIC_KEY)).toThrow(
      expect.objectContaining({ code: 'ERR_PKCS11_IMPORT_REFUSED' }),
    );
    expect(file.calls('C_CreateObject')).toBe(2);
    expect(objectsOf(file)).toEqual([]);
  });
});

describe('a key that is taken away', () => {
  const objects = [
    ...fakeKeyPair(SEED, { label: 'validator', id: '0064' }),
    ...fakeKeyPair(new Uint8Array(32).fill(4), { label: 'other', id: '0065' }),
  ];

  test('is gone with both halves, and no other key is', () => {
    const { file, session } = open({ objects });
    session.remove('0064', PUBLIC_KEY);
    expect(objectsOf(file)).toHaveLength(2);
    expect(session.listKeys().map(({ label }) => label)).toEqual(['other']);
  });

  test.each([
    ['another key has its id', '0065', 'ERR_PKCS11_KEY_CHANGED'],
    ['no key has its id', '0066', 'ERR_PKCS11_KEY_NOT_FOUND'],
  ])('stays when %s', (_, id, code) => {
    const { file, session } = open({ objects });
    expect(() => session.remove(id, PUBLIC_KEY)).toThrow(expect.objectContaining({ code }));
    expect(objectsOf(file)).toHaveLength(4);
  });
});
