/** Where keys are opened: files here, devices by code that is loaded when the first one is asked for. */
import { FileKeyProvider } from '@privval/hsm/file/file-provider';
import type { KeyProvider } from '@privval/hsm/key-provider';
import type { Clock } from '@privval/proto/runtime/clock';
import type { Logger } from '@privval/proto/runtime/logger';
import type { DeviceConnections } from './device-connections.ts';
import type { ProviderOptions } from './provider-options.ts';

/** Collaborators of a {@link ProviderDoor}. */
export interface ProviderDoorDeps {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Gives providers. Owns the devices that they share, and is disposed after them. */
export class ProviderDoor implements AsyncDisposable {
  readonly #deps: ProviderDoorDeps;
  #devices: Promise<DeviceConnections> | undefined;

  constructor(deps: ProviderDoorDeps) {
    this.#deps = deps;
  }

  /**
   * A provider for one place. Nothing is asked of a device yet.
   *
   * @throws what {@link DeviceConnections.openProvider} throws.
   */
  async openProvider(options: ProviderOptions): Promise<KeyProvider> {
    if (options.kind === 'file') return new FileKeyProvider(options);
    this.#devices ??= import('./device-connections.ts').then(
      ({ DeviceConnections }) => new DeviceConnections(this.#deps),
    );
    return (await this.#devices).openProvider(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#devices)?.[Symbol.asyncDispose]();
  }
}
