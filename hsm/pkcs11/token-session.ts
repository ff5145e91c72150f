/** A logged-in session on a token, and its keys. Runs in the module's own process. */
import { CKR, isLoginUndecided, recoveryOf } from './ckr.ts';
import { type Cryptoki, call, ckrOfError, type Handle, initialize } from './cryptoki.ts';
import { CKF_SESSION, CKF_TOKEN, CKM, CKU_USER } from './cryptoki-numbers.ts';
import {
  EmptyMessageError,
  KeyChangedError,
  KeyNotFoundError,
  MessageTooLongError,
} from './key-errors.ts';
import { generateKey, importKey, removeKey } from './key-maker.ts';
import { UnexpectedAnswerError } from './module-errors.ts';
import {
  type KeySelector,
  type NewKey,
  selectorText,
  type TokenInfo,
  type TokenKey,
} from './module-protocol.ts';
import { PinFinalTryError, PinRefusedError } from './token-errors.ts';
import {
  describeToken,
  findToken,
  type PluggedToken,
  requireKeyGeneration,
  requireSigning,
} from './token-info.ts';
import { findUsableKey, listKeys, type Session, type UsableKey } from './token-objects.ts';

const SIGNATURE_BYTES = 64;
/** Room for a signature, and for a token that gives too much to be found out. */
const OUTPUT_BYTES = 256;

/** Which token, and how to log in to it. */
export interface TokenSessionOptions {
  /** Its label, without padding. */
  readonly token: string;
  /** PINs of PKCS#11 are strings: the exception of S18. */
  readonly pin: string;
  /** Whether keys are to be made. Signing needs no more than reading. */
  readonly isReadWrite: boolean;
}

/**
 * One session at a time on one token, opened anew when the token forgot it, and the handles that
 * belong to it. Everything is synchronous and may hang: whoever started this process has a deadline.
 *
 * Invariant: a key signs only while its public key is the one the request names.
 */
export class TokenSession {
  readonly #cryptoki: Cryptoki;
  readonly #options: TokenSessionOptions;
  readonly #keys = new Map<string, UsableKey>();
  readonly #output = new Uint8Array(OUTPUT_BYTES);
  #token: PluggedToken | undefined;
  #handle: Handle | undefined;
  /** Since `C_Initialize`: a login of another than ours is none (hsm.md 6.5). */
  #hasLoggedIn = false;

  private constructor(cryptoki: Cryptoki, options: TokenSessionOptions) {
    this.#cryptoki = cryptoki;
    this.#options = options;
  }

  /** Finds the token, opens a session and logs in. */
  static open(cryptoki: Cryptoki, options: TokenSessionOptions): TokenSession {
    const session = new TokenSession(cryptoki, options);
    session.#reopen();
    return session;
  }

  /** The token as it is now. */
  describe(): TokenInfo {
    return describeToken(this.#cryptoki, this.#current().token);
  }

  /** Every private key of the token. */
  listKeys(): readonly TokenKey[] {
    return listKeys(this.#current());
  }

  /** The self-test of S26: a new session, and in it a key that can sign. Nothing is signed. */
  openKey(selector: KeySelector): TokenKey {
    this.#reopen();
    const session = this.#current();
    requireSigning(this.#cryptoki, session.token);
    const key = findUsableKey(session, selector);
    this.#keys.set(selectorText(selector), key);
    return key.info;
  }

  /**
   * Signs with the key of this name, provided its public key is `publicKey` (hexadecimal). Once in a
   * request a lost session is replaced and the same bytes are asked for again (S30).
   */
  sign(selector: KeySelector, publicKey: string, message: Uint8Array): Uint8Array {
    if (message.length === 0) throw new EmptyMessageError();
    try {
      return this.#signOnce(selector, publicKey, message);
    } catch (error) {
      // Whatever it was: the session may hold an unfinished operation (hsm.md 6.6).
      this.#drop();
      const ckr = ckrOfError(error);
      const recovery = ckr === undefined ? 'none' : recoveryOf(ckr);
      if (recovery === 'none') throw error;
      return this.#signAgain(error, { selector, publicKey, message, recovery });
    }
  }

  /** Makes a key in the token. */
  generate(key: NewKey): TokenKey {
    const session = this.#current();
    requireKeyGeneration(this.#cryptoki, session.token);
    return generateKey(session, key);
  }

  /** Puts a key into the token: a seed of 32 bytes and its public key in hexadecimal. */
  import(key: NewKey, seed: Uint8Array, publicKey: string): TokenKey {
    return importKey(this.#current(), key, { seed, publicKey });
  }

  /** Takes a key away for good, if it is this one. */
  remove(id: string, publicKey: string): void {
    this.#keys.clear();
    removeKey(this.#current(), { id, publicKey });
  }

  /** Ends the session. What fails then is of no interest. */
  close(): void {
    this.#drop();
  }

  #signAgain(
    first: unknown,
    again: {
      readonly selector: KeySelector;
      readonly publicKey: string;
      readonly message: Uint8Array;
      readonly recovery: 'reopen' | 'initialize';
    },
  ): Uint8Array {
    try {
      if (again.recovery === 'initialize') {
        this.#hasLoggedIn = false;
        initialize(this.#cryptoki);
      }
      this.#reopen();
      return this.#signOnce(again.selector, again.publicKey, again.message);
    } catch (second) {
      this.#drop();
      // The module may still show a token that is gone, only without its keys: the first error says more.
      throw second instanceof KeyNotFoundError ? first : second;
    }
  }

  #signOnce(selector: KeySelector, publicKey: string, message: Uint8Array): Uint8Array {
    const session = this.#current();
    const { cryptoki, handle } = session;
    const { privateKey, info } = this.#key(session, selector);
    if (info.publicKey !== publicKey) {
      throw new KeyChangedError({
        key: selectorText(selector),
        expected: publicKey,
        actual: info.publicKey,
      });
    }
    call('C_SignInit', () => cryptoki.C_SignInit(handle, { mechanism: CKM.EDDSA }, privateKey));
    const signature = this.#finishSigning(session, message);
    if (signature.length !== SIGNATURE_BYTES) {
      throw new UnexpectedAnswerError({ reason: `a signature of ${signature.length} bytes` });
    }
    return signature;
  }

  #finishSigning({ cryptoki, handle }: Session, message: Uint8Array): Uint8Array {
    try {
      return call('C_Sign', () => cryptoki.C_Sign(handle, message, this.#output));
    } catch (error) {
      const ckr = ckrOfError(error);
      if (ckr !== CKR.DATA_LEN_RANGE) throw error;
      throw new MessageTooLongError(
        { ckr, method: 'C_Sign', bytes: message.length },
        { cause: error },
      );
    }
  }

  #key(session: Session, selector: KeySelector): UsableKey {
    const name = selectorText(selector);
    const known = this.#keys.get(name);
    if (known !== undefined) return known;
    const key = findUsableKey(session, selector);
    this.#keys.set(name, key);
    return key;
  }

  #current(): Session & { readonly token: PluggedToken } {
    if (this.#handle === undefined || this.#token === undefined) this.#reopen();
    const [handle, token] = [this.#handle, this.#token];
    if (handle === undefined || token === undefined) {
      throw new UnexpectedAnswerError({ reason: 'no session' });
    }
    return { cryptoki: this.#cryptoki, handle, token };
  }

  /** A new session, logged in; the old one is closed after it, so that the login lasts. */
  #reopen(): void {
    const cryptoki = this.#cryptoki;
    const { isReadWrite, token: label } = this.#options;
    const flags = CKF_SESSION.SERIAL | (isReadWrite ? CKF_SESSION.READ_WRITE : 0);
    const old = this.#handle;
    this.#forget();
    try {
      const token = findToken(cryptoki, label);
      const handle = call('C_OpenSession', () => cryptoki.C_OpenSession(token.slot, flags));
      this.#token = token;
      this.#handle = handle;
      this.#logIn(handle, token);
    } catch (error) {
      this.#drop();
      throw error;
    } finally {
      this.#closeSession(old);
    }
  }

  #logIn(handle: Handle, { info }: PluggedToken): void {
    if ((info.flags & CKF_TOKEN.USER_PIN_LOCKED) !== 0) {
      throw new PinRefusedError({ ckr: CKR.PIN_LOCKED, method: 'C_GetTokenInfo' });
    }
    if ((info.flags & CKF_TOKEN.USER_PIN_FINAL_TRY) !== 0) {
      throw new PinFinalTryError({ token: this.#options.token });
    }
    try {
      call('C_Login', () => this.#cryptoki.C_Login(handle, CKU_USER, this.#options.pin));
    } catch (error) {
      const ckr = ckrOfError(error);
      if (ckr === undefined || isLoginUndecided(ckr)) throw error;
      const isLoggedIn = ckr === CKR.USER_ALREADY_LOGGED_IN;
      if (!isLoggedIn) throw new PinRefusedError({ ckr, method: 'C_Login' }, { cause: error });
      if (!this.#hasLoggedIn) throw error;
    }
    this.#hasLoggedIn = true;
  }

  /** Throws the session and every handle away. */
  #drop(): void {
    const old = this.#handle;
    this.#forget();
    this.#closeSession(old);
  }

  #forget(): void {
    this.#handle = undefined;
    this.#token = undefined;
    this.#keys.clear();
  }

  #closeSession(handle: Handle | undefined): void {
    if (handle === undefined) return;
    try {
      call('C_CloseSession', () => this.#cryptoki.C_CloseSession(handle));
    } catch {
      // It is gone, which is what was wanted.
    }
  }
}
