/** Keys in PKCS#11 tokens: providers that share a module's process, and new keys. */
import type { KeyProvider } from '@privval/hsm/key-provider';
import { Pkcs11Provider } from '@privval/hsm/pkcs11/pkcs11-provider';
import { SharedModules } from '@privval/hsm/pkcs11/shared-modules';
import { generatePkcs11Key, removePkcs11Key } from '@privval/hsm/pkcs11/token-administration';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import type { Clock } from '@privval/proto/runtime/clock';
import type { Logger } from '@privval/proto/runtime/logger';
import type { Pkcs11KeyRequest } from './device-key-request.ts';
import type { MadeKey } from './devices.ts';
import type { Pkcs11ProviderOptions } from './provider-options.ts';

/** The tokens of a process. Module processes end with the last provider that uses them. */
export class Pkcs11Tokens {
  readonly #deps: { readonly clock: Clock; readonly logger: Logger };
  readonly #modules: SharedModules;

  constructor(deps: { readonly clock: Clock; readonly logger: Logger }) {
    const { clock, logger } = deps;
    this.#deps = { clock, logger };
    this.#modules = new SharedModules(this.#deps);
  }

  /** A provider; its module is started by the first opening. */
  openProvider(options: Pkcs11ProviderOptions): KeyProvider {
    const { module: modulePath, token, pinFile, key, commandTimeoutMs: signTimeoutMs } = options;
    return new Pkcs11Provider(
      { modules: this.#modules },
      { modulePath, token, pinFile, key, signTimeoutMs },
    );
  }

  /**
   * Has the token make a key, under the label that was asked for or else `label`.
   *
   * @throws what {@link generatePkcs11Key} throws.
   */
  async generateKey(
    request: Pkcs11KeyRequest,
    { label: fallback, signal }: AbortOptions & { readonly label: string },
  ): Promise<MadeKey> {
    const { kind, module, token, pinFile, key, commandTimeoutMs } = request;
    const label = key !== undefined && 'label' in key ? key.label : fallback;
    const access = { modulePath: module, token, pinFile };
    const made = await generatePkcs11Key(this.#deps, { ...access, label, signal });
    const remove = `pkcs11-tool --module ${module} --token-label ${JSON.stringify(token)} --login --delete-object`;
    return {
      options: { kind, module, token, pinFile, key: { label }, commandTimeoutMs },
      warnings: [],
      generated: {
        where: `token ${JSON.stringify(token)} as ${JSON.stringify(label)}, id 0x${made.id}`,
        howToRemove: `remove both halves with ${remove} --type privkey --id ${made.id}, and once more with --type pubkey`,
        remove: () => removePkcs11Key(this.#deps, { ...access, key: made }),
      },
    };
  }
}
