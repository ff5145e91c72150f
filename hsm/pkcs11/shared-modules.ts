/** Module processes that several keys share: one for each module, token and set of limits. */
import {
  ModuleProcess,
  type ModuleProcessDeps,
  type ModuleProcessOptions,
} from './module-process.ts';

/** One user's hold on a process. Disposing of the last one ends the process. */
export interface ModuleLease extends AsyncDisposable {
  readonly process: ModuleProcess;
}

interface Shared {
  readonly process: ModuleProcess;
  users: number;
}

/**
 * The processes of one signer. Two keys of a token share one, and so its PIN is tried once and not
 * once per key. The same options give the same process; other options another one.
 *
 * It owns nothing by itself: a process lives as long as somebody holds a lease of it.
 */
export class SharedModules {
  readonly #deps: ModuleProcessDeps;
  readonly #shared = new Map<string, Shared>();

  constructor(deps: ModuleProcessDeps) {
    this.#deps = deps;
  }

  /** A hold on the process of these options, which the first request starts. */
  lease(options: ModuleProcessOptions): ModuleLease {
    const name = JSON.stringify(sorted(options));
    const shared = this.#shared.get(name) ?? {
      process: new ModuleProcess(this.#deps, options),
      users: 0,
    };
    this.#shared.set(name, shared);
    shared.users += 1;
    let isHeld = true;
    return {
      process: shared.process,
      [Symbol.asyncDispose]: async () => {
        if (!isHeld) return;
        isHeld = false;
        shared.users -= 1;
        if (shared.users > 0) return;
        this.#shared.delete(name);
        await shared.process[Symbol.asyncDispose]();
      },
    };
  }
}

/** The same options in the same order, however they were written down. */
function sorted(value: object): object {
  const entries = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, field]) => [
      name,
      field instanceof URL ? field.href : typeof field === 'object' ? sorted(field) : field,
    ]);
  return Object.fromEntries(entries);
}
