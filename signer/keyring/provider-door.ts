/** Where keys are opened: files here, devices by code that is loaded when the first one is asked for. */
import { FileKeyProvider } from '@privval/hsm/file/file-provider';
import type { KeyProvider } from '@privval/hsm/key-provider';
import { type DeviceDeps, type Devices, openDevices } from './devices.ts';
import type { ProviderOptions } from './provider-options.ts';

/** Gives providers. Owns the devices that they share, and is disposed after them. */
export class ProviderDoor implements AsyncDisposable {
  readonly #deps: DeviceDeps;
  #devices: Promise<Devices> | undefined;

  constructor(deps: DeviceDeps) {
    this.#deps = deps;
  }

  /**
   * A provider for one place. Nothing is asked of a device yet.
   *
   * @throws what {@link Devices.openProvider} throws.
   */
  async openProvider(options: ProviderOptions): Promise<KeyProvider> {
    if (options.kind === 'file') return new FileKeyProvider(options);
    this.#devices ??= openDevices(this.#deps);
    return (await this.#devices).openProvider(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#devices)?.[Symbol.asyncDispose]();
  }
}
