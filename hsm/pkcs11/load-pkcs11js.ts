/** The only place that loads the optional dependency, and only in a module's own process (S32). */
import { createRequire } from 'node:module';
import { errorCode } from '@privval/proto/runtime/coded-error';
import type { Cryptoki } from './cryptoki.ts';
import { ModuleUnloadableError, Pkcs11NotInstalledError } from './module-errors.ts';

/** The binding, as far as it is no function of the standard. */
interface Binding {
  readonly PKCS11: new () => Cryptoki & { load(path: string): void };
}

/** Finds a package; Node's own, except in tests. */
export type Require = (name: string) => unknown;

/**
 * Loads the vendor's library into this process. Nothing is initialized yet.
 *
 * @throws {Pkcs11NotInstalledError} ERR_PKCS11_NOT_INSTALLED
 * @throws {ModuleUnloadableError} ERR_PKCS11_MODULE_UNLOADABLE
 */
export function loadModule(
  modulePath: string,
  require: Require = createRequire(import.meta.url),
): Cryptoki {
  const { PKCS11 } = loadBinding(require);
  const module = new PKCS11();
  try {
    module.load(modulePath);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : errorCode(cause);
    throw new ModuleUnloadableError({ modulePath, reason }, { cause });
  }
  return module;
}

function loadBinding(require: Require): Binding {
  try {
    return require('pkcs11js') as Binding;
  } catch (cause) {
    throw new Pkcs11NotInstalledError({ reason: whyNot(cause) }, { cause });
  }
}

/** Absent, never compiled (install scripts are blocked by default), or compiled for another Node.js. */
function whyNot(error: unknown): string {
  const text = error instanceof Error ? (error.message.split('\n')[0] ?? '') : errorCode(error);
  if (errorCode(error) !== 'MODULE_NOT_FOUND') return `it does not load: ${text}`;
  return text.includes("'pkcs11js'") ? 'it is not installed' : 'it was not compiled';
}
