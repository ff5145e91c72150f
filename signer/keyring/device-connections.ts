/** The devices that are there: each kind's code is loaded when the first of its kind is asked for. */
import type { KeyProvider } from '@privval/hsm/key-provider';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { CodedError } from '@privval/proto/runtime/coded-error';
import type { DeviceKeyRequest } from './device-key-request.ts';
import type { DeviceDeps, Devices, MadeKey } from './devices.ts';
import type { Pkcs11Tokens } from './pkcs11-tokens.ts';
import { type DeviceProviderOptions, providerName } from './provider-options.ts';
import type { YubiHsms } from './yubihsms.ts';

/** Keys in tokens are deleted with the vendor's tools: both halves, by a person who sees them. */
export class DeviceKeyKeptError extends CodedError {
  override readonly name = 'DeviceKeyKeptError';
  readonly code = 'ERR_DEVICE_KEY_KEPT';

  constructor(options: DeviceProviderOptions) {
    super(`this signer deletes no keys in ${providerName(options)}`);
  }
}

/** Who knows the devices of each kind. */
export class DeviceConnections implements Devices {
  readonly #deps: DeviceDeps;
  #yubiHsms: Promise<YubiHsms> | undefined;
  #tokens: Promise<Pkcs11Tokens> | undefined;

  constructor(deps: DeviceDeps) {
    this.#deps = deps;
  }

  async openProvider(options: DeviceProviderOptions): Promise<KeyProvider> {
    return options.kind === 'yubihsm'
      ? (await this.#yubiHsmsOnce()).openProvider(options)
      : (await this.#tokensOnce()).openProvider(options);
  }

  async generateKey(
    request: DeviceKeyRequest,
    options: AbortOptions & { readonly label: string },
  ): Promise<MadeKey> {
    return request.kind === 'yubihsm'
      ? (await this.#yubiHsmsOnce()).generateKey(request, options)
      : (await this.#tokensOnce()).generateKey(request, options);
  }

  async destroyKey(options: DeviceProviderOptions): Promise<void> {
    if (options.kind === 'yubihsm') return (await this.#yubiHsmsOnce()).destroyKey(options);
    throw new DeviceKeyKeptError(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#yubiHsms)?.[Symbol.asyncDispose]();
  }

  #yubiHsmsOnce(): Promise<YubiHsms> {
    this.#yubiHsms ??= import('./yubihsms.ts').then(({ YubiHsms }) => new YubiHsms(this.#deps));
    return this.#yubiHsms;
  }

  #tokensOnce(): Promise<Pkcs11Tokens> {
    this.#tokens ??= import('./pkcs11-tokens.ts').then(
      ({ Pkcs11Tokens }) => new Pkcs11Tokens(this.#deps),
    );
    return this.#tokens;
  }
}
