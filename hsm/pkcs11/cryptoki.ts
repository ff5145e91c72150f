/**
 * What is used of a PKCS#11 module, as the binding `pkcs11js` gives it: functions under the
 * standard's names that return or throw, synchronously.
 *
 * The real one exists only in a process of its own (S32); `test/harness/fake-cryptoki.ts` behaves
 * like it.
 */
import { errorCode } from '@privval/proto/runtime/coded-error';
import { CKR } from './ckr.ts';
import { CKF_OS_LOCKING_OK } from './cryptoki-numbers.ts';
import { CallFailedError, UnexpectedAnswerError } from './module-errors.ts';
import type { Pkcs11Error } from './pkcs11-error.ts';
import { TokenGoneError } from './token-errors.ts';

/** A slot, a session or an object. Compared by its bytes. */
export type Handle = Uint8Array;

/** One attribute of an object. Without `value`: asked for. */
export interface Attribute {
  readonly type: number;
  readonly value?: number | boolean | string | Uint8Array;
}

/** `CK_TOKEN_INFO`. Texts are padded with blanks. */
export interface CkTokenInfo {
  readonly label: string;
  readonly manufacturerID: string;
  readonly model: string;
  readonly serialNumber: string;
  readonly flags: number;
}

/** The functions. Each throws an error whose text or `code` is the CK_RV. */
export interface Cryptoki {
  C_Initialize(options?: { readonly flags: number }): void;
  C_Finalize(): void;
  C_GetSlotList(tokenPresent: boolean): Handle[];
  C_GetTokenInfo(slot: Handle): CkTokenInfo;
  C_GetMechanismInfo(slot: Handle, mechanism: number): { readonly flags: number };
  C_OpenSession(slot: Handle, flags: number): Handle;
  C_CloseSession(session: Handle): void;
  C_Login(session: Handle, userType: number, pin: string): void;
  C_FindObjectsInit(session: Handle, template: readonly Attribute[]): void;
  C_FindObjects(session: Handle, count: number): Handle[];
  C_FindObjectsFinal(session: Handle): void;
  C_GetAttributeValue(
    session: Handle,
    object: Handle,
    template: readonly Attribute[],
  ): readonly { readonly value?: Uint8Array | undefined }[];
  C_GenerateKeyPair(
    session: Handle,
    mechanism: { readonly mechanism: number },
    publicTemplate: readonly Attribute[],
    privateTemplate: readonly Attribute[],
  ): { readonly publicKey: Handle; readonly privateKey: Handle };
  C_CreateObject(session: Handle, template: readonly Attribute[]): Handle;
  C_DestroyObject(session: Handle, object: Handle): void;
  C_SignInit(session: Handle, mechanism: { readonly mechanism: number }, key: Handle): void;
  /** Returns the part of `output` that was filled. */
  C_Sign(session: Handle, data: Uint8Array, output: Uint8Array): Uint8Array;
}

/**
 * Calls one function of the module.
 *
 * @throws {TokenGoneError} ERR_PKCS11_TOKEN_GONE
 * @throws {CallFailedError} ERR_PKCS11_CALL_FAILED with any other CK_RV
 * @throws {UnexpectedAnswerError} ERR_PKCS11_UNEXPECTED_ANSWER when it threw something else.
 */
export function call<T>(method: keyof Cryptoki, fn: () => T): T {
  try {
    return fn();
  } catch (error) {
    const ckr = ckrOf(error);
    if (ckr !== undefined) throw failedCall(ckr, method);
    const reason = `${method}: ${error instanceof Error ? error.message : errorCode(error)}`;
    throw new UnexpectedAnswerError({ reason }, { cause: error });
  }
}

/** The error of a call that returned `ckr`. */
export function failedCall(ckr: number, method: string): Pkcs11Error {
  const isGone = ckr === CKR.DEVICE_REMOVED || ckr === CKR.TOKEN_NOT_PRESENT;
  return isGone ? new TokenGoneError({ ckr, method }) : new CallFailedError({ ckr, method });
}

/** The CK_RV an error of ours stands for; `undefined` when it is about something else. */
export function ckrOfError(error: unknown): number | undefined {
  return error instanceof CallFailedError || error instanceof TokenGoneError
    ? error.details.ckr
    : undefined;
}

/** `C_Initialize`, with the operating system's locks where the module takes them. */
export function initialize(cryptoki: Cryptoki): void {
  try {
    call('C_Initialize', () => cryptoki.C_Initialize({ flags: CKF_OS_LOCKING_OK }));
  } catch (error) {
    if (ckrOfError(error) !== CKR.CANT_LOCK) throw error;
    call('C_Initialize', () => cryptoki.C_Initialize());
  }
}

/** The binding's errors say `CKR_NAME:number` (one of its functions throws them bare) or have the number as `code`. */
function ckrOf(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  const inText = /CKR_\w+:(\d+)/.exec(error.message)?.[1];
  if (inText !== undefined) return Number(inText);
  return 'code' in error && typeof error.code === 'number' && error.code !== 0
    ? error.code
    : undefined;
}
