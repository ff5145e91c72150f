/** What can go wrong with a PKCS#11 module and the process it runs in. */

import type { Remedy } from '../key-provider.ts';
import { ckrAdvice, ckrText, remedyOfCkr } from './ckr.ts';
import { Pkcs11Error } from './pkcs11-error.ts';

/** The optional dependency `pkcs11js` is not there, or was compiled for another Node.js. */
export class Pkcs11NotInstalledError extends Pkcs11Error<{ readonly reason: string }> {
  override readonly name = 'Pkcs11NotInstalledError';
  readonly code = 'ERR_PKCS11_NOT_INSTALLED';
  readonly remedy = 'repair';

  constructor(details: { readonly reason: string }, options?: ErrorOptions) {
    super(
      `PKCS#11 needs the package pkcs11js, which is compiled when it is installed (${details.reason}): install python3, make and g++, then run \`npm install --include=optional\` and \`npm rebuild pkcs11js\``,
      details,
      options,
    );
  }
}

/** The module's file cannot be loaded, or is not a PKCS#11 module. */
export class ModuleUnloadableError extends Pkcs11Error<{
  readonly modulePath: string;
  readonly reason: string;
}> {
  override readonly name = 'ModuleUnloadableError';
  readonly code = 'ERR_PKCS11_MODULE_UNLOADABLE';
  readonly remedy = 'repair';

  constructor(
    details: { readonly modulePath: string; readonly reason: string },
    options?: ErrorOptions,
  ) {
    super(
      `cannot load the PKCS#11 module ${details.modulePath} (${details.reason}): give the path of the vendor's library`,
      details,
      options,
    );
  }
}

/** The module's process ended by itself while it was asked for something. It is started anew. */
export class ModuleCrashedError extends Pkcs11Error<{
  readonly modulePath: string;
  readonly how: string;
}> {
  override readonly name = 'ModuleCrashedError';
  readonly code = 'ERR_PKCS11_MODULE_CRASHED';
  readonly remedy = 'wait';

  constructor(details: { readonly modulePath: string; readonly how: string }) {
    super(
      `the process of the PKCS#11 module ${details.modulePath} ended (${details.how}): if it recurs, ask the module's vendor`,
      details,
    );
  }
}

/** The module did not answer in time. Its process was killed and is started anew (S32). */
export class ModuleTimeoutError extends Pkcs11Error<{
  readonly modulePath: string;
  readonly request: string;
  readonly limitMs: number;
}> {
  override readonly name = 'ModuleTimeoutError';
  readonly code = 'ERR_PKCS11_MODULE_TIMEOUT';
  readonly remedy = 'wait';

  constructor(
    details: { readonly modulePath: string; readonly request: string; readonly limitMs: number },
    options?: ErrorOptions,
  ) {
    super(
      `the PKCS#11 module ${details.modulePath} did not answer (${details.request}) within ${details.limitMs} ms: look at the token and the way to it`,
      details,
      options,
    );
  }
}

/** The module, or the process around it, answered with what cannot be. */
export class UnexpectedAnswerError extends Pkcs11Error<{ readonly reason: string }> {
  override readonly name = 'UnexpectedAnswerError';
  readonly code = 'ERR_PKCS11_UNEXPECTED_ANSWER';
  readonly remedy = 'wait';

  constructor(details: { readonly reason: string }, options?: ErrorOptions) {
    super(
      `the PKCS#11 module gave an answer that cannot be (${details.reason}): if it recurs, ask the module's vendor`,
      details,
      options,
    );
  }
}

/** A request was not handed to the module: too many wait, or the line moved too slowly. */
export class ModuleBusyError extends Pkcs11Error<{ readonly reason: string }> {
  override readonly name = 'ModuleBusyError';
  readonly code = 'ERR_PKCS11_BUSY';
  readonly remedy = 'wait';
  /** A full line says nothing against the key (S28). */
  readonly blamesKey = false;

  constructor(details: { readonly reason: string }, options?: ErrorOptions) {
    super(
      `the PKCS#11 token is busy (${details.reason}): it serves too many keys for its speed`,
      details,
      options,
    );
  }
}

/** Something was asked of a module whose provider is closed. */
export class ModuleClosedError extends Pkcs11Error<{ readonly modulePath: string }> {
  override readonly name = 'ModuleClosedError';
  readonly code = 'ERR_PKCS11_CLOSED';
  readonly remedy = 'wait';

  constructor(details: { readonly modulePath: string }) {
    super(`the PKCS#11 module ${details.modulePath} has been closed`, details);
  }
}

/** A call that failed: what the module returned, and from which function. */
export interface FailedCall {
  /** The CK_RV, as a number. */
  readonly ckr: number;
  /** Name of the function: `C_Sign`. */
  readonly method: string;
}

/** A call of the module failed in a way that has no error of its own. */
export class CallFailedError extends Pkcs11Error<FailedCall> {
  override readonly name = 'CallFailedError';
  readonly code = 'ERR_PKCS11_CALL_FAILED';
  readonly remedy: Remedy;

  constructor(details: FailedCall, options?: ErrorOptions) {
    const advice = ckrAdvice(details.ckr);
    super(
      `${details.method}: ${ckrText(details.ckr)}${advice === undefined ? '' : `: ${advice}`}`,
      details,
      options,
    );
    this.remedy = remedyOfCkr(details.ckr);
  }
}
