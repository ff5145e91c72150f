/** What answers requests in a module's own process: one after the other, synchronously. */
import { type Cryptoki, initialize } from './cryptoki.ts';
import { UnexpectedAnswerError } from './module-errors.ts';
import { encodeFrame, type Frame } from './module-frames.ts';
import type { Answers, ModuleRequest, RequestHeader, RequestName } from './module-protocol.ts';
import { errorRecord } from './revive-error.ts';
import { PinNotTextError } from './token-errors.ts';
import { listTokens } from './token-info.ts';
import { TokenSession } from './token-session.ts';

/** What the server needs of its process. */
export interface ModuleServerDeps {
  /** Loads the vendor's library. */
  readonly load: (modulePath: string) => Cryptoki;
}

/** An answer, before it is a frame. */
interface Answer<Name extends RequestName> {
  readonly ok: Answers[Name];
  readonly body?: Uint8Array;
}

/** Holds the module and at most one session. Nothing here waits; everything here may hang (S32). */
export class ModuleServer {
  readonly #deps: ModuleServerDeps;
  #cryptoki: Cryptoki | undefined;
  #session: TokenSession | undefined;

  constructor(deps: ModuleServerDeps) {
    this.#deps = deps;
  }

  /** The frame that answers this one. Never throws: every error is an answer. */
  answer(frame: Frame): Uint8Array {
    const { id, request } = frame.header as RequestHeader;
    try {
      const { ok, body } = this.#run(request, frame.body);
      return encodeFrame({ id, ok }, body);
    } catch (error) {
      return encodeFrame({ id, error: errorRecord(error) });
    }
  }

  #run(request: ModuleRequest, body: Uint8Array): Answer<RequestName> {
    switch (request.do) {
      case 'load':
        this.#cryptoki = this.#deps.load(request.modulePath);
        initialize(this.#cryptoki);
        return { ok: null };
      case 'list-tokens':
        return { ok: listTokens(this.#module()) };
      case 'log-in': {
        const { token, isReadWrite } = request;
        const options = { token, isReadWrite, pin: pinFromBytes(body) };
        this.#session = TokenSession.open(this.#module(), options);
        return { ok: this.#session.describe() };
      }
      case 'list-keys':
        return { ok: this.#loggedIn().listKeys() };
      case 'open-key':
        return { ok: this.#loggedIn().openKey(request.key) };
      case 'sign': {
        const { key, publicKey } = request;
        return { ok: null, body: this.#loggedIn().sign(key, publicKey, body) };
      }
      case 'generate':
        return { ok: this.#loggedIn().generate(request.key) };
      case 'import':
        return { ok: this.#loggedIn().import(request.key, body, request.publicKey) };
      case 'remove':
        this.#loggedIn().remove(request.id, request.publicKey);
        return { ok: null };
      case 'close':
        this.#session?.close();
        this.#cryptoki?.C_Finalize();
        return { ok: null };
    }
  }

  #module(): Cryptoki {
    if (this.#cryptoki === undefined) throw new UnexpectedAnswerError({ reason: 'no module' });
    return this.#cryptoki;
  }

  #loggedIn(): TokenSession {
    if (this.#session === undefined) throw new UnexpectedAnswerError({ reason: 'no session' });
    return this.#session;
  }
}

function pinFromBytes(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new PinNotTextError({}, { cause });
  }
}
