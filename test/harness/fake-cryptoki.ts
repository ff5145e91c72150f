/** A PKCS#11 module that behaves: the functions of the standard over a {@link FakeModuleFile}. */

import { randomBytes, sign } from 'node:crypto';
import { writeSync } from 'node:fs';
import type { Attribute, CkTokenInfo, Cryptoki, Handle } from '@privval/hsm/pkcs11/cryptoki';
import { bytesFromHex, hexFromBytes } from '@privval/proto/runtime/bytes';
import {
  type FakeModuleFile,
  type FakeObject,
  type FakeToken,
  fakeKeyPair,
  privateKeyOf,
  ulong,
} from './fake-token.ts';

/** What the module says, where its process's complaints go, before it hangs. */
export const HANGING = 'hanging from here on';

/** What the binding throws: it does not know all names, so that numbers have to decide. */
class FakeCkError extends Error {
  override readonly name = 'Pkcs11Error';
  readonly code: number;

  constructor(code: number) {
    super('CKR_VENDOR_DEFINED');
    this.code = code;
  }
}

interface FakeSession {
  readonly slot: number;
  readonly epoch: number;
  readonly isReadWrite: boolean;
  search?: number[];
  signing?: number;
}

const CKR = {
  ARGUMENTS_BAD: 0x7,
  ATTRIBUTE_SENSITIVE: 0x11,
  ATTRIBUTE_TYPE_INVALID: 0x12,
  DATA_LEN_RANGE: 0x21,
  DEVICE_REMOVED: 0x32,
  MECHANISM_INVALID: 0x70,
  OBJECT_HANDLE_INVALID: 0x82,
  OPERATION_ACTIVE: 0x90,
  OPERATION_NOT_INITIALIZED: 0x91,
  PIN_INCORRECT: 0xa0,
  SESSION_HANDLE_INVALID: 0xb3,
  SESSION_READ_ONLY: 0xb5,
  TEMPLATE_INCONSISTENT: 0xd1,
  TOKEN_NOT_PRESENT: 0xe0,
  USER_ALREADY_LOGGED_IN: 0x100,
  USER_NOT_LOGGED_IN: 0x101,
  CURVE_NOT_SUPPORTED: 0x140,
  CRYPTOKI_NOT_INITIALIZED: 0x190,
  CRYPTOKI_ALREADY_INITIALIZED: 0x191,
};
const CKA = { CLASS: 0x0, PRIVATE: 0x2, VALUE: 0x11, EC_PARAMS: 0x180 };

/**
 * One module in one process. Sessions and login are the process's own, tokens are the file's.
 *
 * Like SoftHSM it fails on an empty message and stays in the middle of it, and hides private objects
 * from who has not logged in.
 */
export class FakeCryptoki implements Cryptoki {
  readonly #file: FakeModuleFile;
  readonly #sessions = new Map<string, FakeSession>();
  readonly #loggedIn = new Map<number, number>();
  #isInitialized = false;
  #lastHandle = 0;

  constructor(file: FakeModuleFile) {
    this.#file = file;
  }

  C_Initialize(): void {
    this.#file.note('C_Initialize');
    this.#obey('C_Initialize');
    if (this.#isInitialized) fail(CKR.CRYPTOKI_ALREADY_INITIALIZED);
    this.#isInitialized = true;
  }

  C_Finalize(): void {
    this.#called('C_Finalize');
    this.#isInitialized = false;
    this.#sessions.clear();
    this.#loggedIn.clear();
  }

  C_GetSlotList(tokenPresent: boolean): Handle[] {
    this.#called('C_GetSlotList');
    const { tokens } = this.#file.read();
    return tokens.flatMap((token, slot) =>
      token.isPlugged || !tokenPresent ? [handleOf(slot)] : [],
    );
  }

  C_GetTokenInfo(slot: Handle): CkTokenInfo {
    this.#called('C_GetTokenInfo');
    const { label, serial, flags } = this.#token(slot);
    return {
      label: label.padEnd(32),
      serialNumber: serial.padEnd(16),
      manufacturerID: 'privval tests'.padEnd(32),
      model: 'fake'.padEnd(16, '\0'),
      flags,
    };
  }

  C_GetMechanismInfo(slot: Handle, mechanism: number): { readonly flags: number } {
    this.#called('C_GetMechanismInfo');
    const flags = this.#token(slot).mechanisms[mechanism];
    return flags === undefined ? fail(CKR.MECHANISM_INVALID) : { flags };
  }

  C_OpenSession(slot: Handle, flags: number): Handle {
    this.#called('C_OpenSession');
    const { epoch } = this.#token(slot);
    this.#lastHandle += 1;
    const handle = handleOf(this.#lastHandle);
    this.#sessions.set(hexFromBytes(handle), {
      slot: numberOf(slot),
      epoch,
      isReadWrite: (flags & 2) !== 0,
    });
    return handle;
  }

  C_CloseSession(session: Handle): void {
    this.#called('C_CloseSession');
    const { slot } = this.#session(session).session;
    this.#sessions.delete(hexFromBytes(session));
    // The last session of a token takes the login with it.
    if (![...this.#sessions.values()].some((other) => other.slot === slot)) {
      this.#loggedIn.delete(slot);
    }
  }

  C_Login(session: Handle, _userType: number, pin: string): void {
    this.#called('C_Login');
    const { session: open, token } = this.#session(session);
    if (this.#isLoggedIn(open.slot, token)) fail(CKR.USER_ALREADY_LOGGED_IN);
    if (pin !== token.pin) fail(CKR.PIN_INCORRECT);
    this.#loggedIn.set(open.slot, token.epoch);
  }

  C_FindObjectsInit(session: Handle, template: readonly Attribute[]): void {
    this.#called('C_FindObjectsInit');
    const { session: open, token } = this.#session(session);
    if (open.search !== undefined) fail(CKR.OPERATION_ACTIVE);
    const isLoggedIn = this.#isLoggedIn(open.slot, token);
    open.search = token.objects.flatMap((object, i) => {
      const isVisible = isLoggedIn || object[CKA.PRIVATE] !== '01';
      const matches = template.every(({ type, value }) => object[type] === hexOf(value));
      return isVisible && matches ? [i] : [];
    });
  }

  C_FindObjects(session: Handle, count: number): Handle[] {
    this.#called('C_FindObjects');
    const { search } = this.#session(session).session;
    // This function of the binding throws what the native one threw, with the number in the text.
    if (search === undefined)
      throw new Error(`CKR_VENDOR_DEFINED:${CKR.OPERATION_NOT_INITIALIZED}`);
    return search.splice(0, count).map(handleOf);
  }

  C_FindObjectsFinal(session: Handle): void {
    this.#called('C_FindObjectsFinal');
    const { session: open } = this.#session(session);
    delete open.search;
  }

  C_GetAttributeValue(
    session: Handle,
    object: Handle,
    template: readonly Attribute[],
  ): readonly { readonly value?: Uint8Array }[] {
    this.#called('C_GetAttributeValue');
    const attributes = this.#object(session, object);
    return template.map(({ type }) => {
      if (type === CKA.VALUE) fail(CKR.ATTRIBUTE_SENSITIVE);
      const value = attributes[type] ?? fail(CKR.ATTRIBUTE_TYPE_INVALID);
      return { value: bytesFromHex(value) };
    });
  }

  C_GenerateKeyPair(
    session: Handle,
    _mechanism: { readonly mechanism: number },
    publicTemplate: readonly Attribute[],
    privateTemplate: readonly Attribute[],
  ): { readonly publicKey: Handle; readonly privateKey: Handle } {
    this.#called('C_GenerateKeyPair');
    const { token } = this.#writable(session);
    const given = attributesOf(publicTemplate);
    if (!token.curves.includes(given[CKA.EC_PARAMS] ?? '')) fail(CKR.CURVE_NOT_SUPPORTED);
    const [privateHalf = {}, publicHalf = {}] = fakeKeyPair(randomBytes(32), { label: '', id: '' });
    const count = token.objects.length;
    this.#file.change({
      objects: [
        ...token.objects,
        { ...privateHalf, ...attributesOf(privateTemplate), 355: '01' },
        { ...publicHalf, ...given },
      ],
    });
    return { privateKey: handleOf(count), publicKey: handleOf(count + 1) };
  }

  C_CreateObject(session: Handle, template: readonly Attribute[]): Handle {
    this.#called('C_CreateObject');
    const { token } = this.#writable(session);
    if (!token.takesKeys) fail(CKR.TEMPLATE_INCONSISTENT);
    const object = attributesOf(template);
    if (!token.curves.includes(object[CKA.EC_PARAMS] ?? '')) fail(CKR.CURVE_NOT_SUPPORTED);
    this.#file.change({ objects: [...token.objects, { 355: '00', ...object }] });
    return handleOf(token.objects.length);
  }

  C_DestroyObject(session: Handle, object: Handle): void {
    this.#called('C_DestroyObject');
    const { token } = this.#writable(session);
    // Handles stay what they are: a hole is left behind.
    const objects = token.objects.map((other, i) => (i === numberOf(object) ? {} : other));
    this.#file.change({ objects });
  }

  C_SignInit(session: Handle, mechanism: { readonly mechanism: number }, key: Handle): void {
    this.#called('C_SignInit');
    const { session: open, token } = this.#session(session);
    if (open.signing !== undefined) fail(CKR.OPERATION_ACTIVE);
    if (token.mechanisms[mechanism.mechanism] === undefined) fail(CKR.MECHANISM_INVALID);
    if (!this.#isLoggedIn(open.slot, token)) fail(CKR.USER_NOT_LOGGED_IN);
    this.#object(session, key);
    open.signing = numberOf(key);
  }

  C_Sign(session: Handle, data: Uint8Array, output: Uint8Array): Uint8Array {
    const { session: open, token } = this.#session(session);
    const order = this.#called('C_Sign');
    if (open.signing === undefined) return fail(CKR.OPERATION_NOT_INITIALIZED);
    if (data.length === 0) fail(CKR.ARGUMENTS_BAD);
    const seed = token.objects[open.signing]?.[CKA.VALUE];
    delete open.signing;
    if (data.length > token.maxMessageBytes) fail(CKR.DATA_LEN_RANGE);
    const signature = sign(null, data, privateKeyOf(bytesFromHex(seed ?? '')));
    this.#file.note('signature');
    output.set(signature);
    if (order === 'wrong-signature') output[0] = (output[0] ?? 0) ^ 1;
    return output.subarray(0, order === 'short-signature' ? 63 : 64);
  }

  #called(method: string): string | undefined {
    this.#file.note(method);
    if (!this.#isInitialized) fail(CKR.CRYPTOKI_NOT_INITIALIZED);
    return this.#obey(method);
  }

  #obey(method: string): string | undefined {
    const order = this.#file.take(method);
    switch (order) {
      case 'hang':
        writeSync(2, `${HANGING}\n`);
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
        break;
      case 'crash':
        process.kill(process.pid, 'SIGSEGV');
        break;
      case 'garbage':
        writeSync(3, 'this is no frame, but it is long enough to be one');
        break;
      default:
        if (typeof order === 'number') fail(order);
    }
    return typeof order === 'string' ? order : undefined;
  }

  #token(slot: Handle): FakeToken {
    const token = this.#file.read().tokens[numberOf(slot)];
    return token?.isPlugged === true ? token : fail(CKR.TOKEN_NOT_PRESENT);
  }

  #session(handle: Handle): { readonly session: FakeSession; readonly token: FakeToken } {
    const session = this.#sessions.get(hexFromBytes(handle)) ?? fail(CKR.SESSION_HANDLE_INVALID);
    const token = this.#file.read().tokens[session.slot] ?? fail(CKR.DEVICE_REMOVED);
    if (!token.isPlugged) fail(CKR.DEVICE_REMOVED);
    if (token.epoch !== session.epoch) fail(CKR.SESSION_HANDLE_INVALID);
    return { session, token };
  }

  #writable(handle: Handle): { readonly token: FakeToken } {
    const { session, token } = this.#session(handle);
    if (!session.isReadWrite) fail(CKR.SESSION_READ_ONLY);
    return { token };
  }

  #object(session: Handle, object: Handle): FakeObject {
    const { token } = this.#session(session);
    const found = token.objects[numberOf(object)] ?? {};
    return Object.keys(found).length > 0 ? found : fail(CKR.OBJECT_HANDLE_INVALID);
  }

  #isLoggedIn(slot: number, token: FakeToken): boolean {
    return this.#loggedIn.get(slot) === token.epoch;
  }
}

function attributesOf(template: readonly Attribute[]): FakeObject {
  return Object.fromEntries(template.map(({ type, value }) => [type, hexOf(value)]));
}

function hexOf(value: Attribute['value']): string {
  if (typeof value === 'number') return ulong(value);
  if (typeof value === 'boolean') return value ? '01' : '00';
  if (typeof value === 'string') return Buffer.from(value).toString('hex');
  return value === undefined ? '' : hexFromBytes(value);
}

function handleOf(number: number): Uint8Array {
  return bytesFromHex(ulong(number));
}

function numberOf(handle: Handle): number {
  return new DataView(handle.buffer, handle.byteOffset).getUint32(0, true);
}

function fail(code: number): never {
  throw new FakeCkError(code);
}
