/** The devices a command or a signer has to do with: opened when the first key in them is asked for. */
import type { KeyProvider } from '@privval/hsm/key-provider';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import type { Clock } from '@privval/proto/runtime/clock';
import type { Logger } from '@privval/proto/runtime/logger';
import type { DeviceKeyRequest } from './device-key-request.ts';
import type { DeviceProviderOptions, YubiHsmProviderOptions } from './provider-options.ts';

/** A key that a device made just now. */
export interface GeneratedKey {
  /** `yubihsm 0007550140, object 0x0064`. */
  readonly where: string;
  /** One sentence for an operator. */
  readonly howToRemove: string;
  /** Takes it back. @throws what the device does: its rights may not allow it. */
  readonly remove: () => Promise<void>;
}

/** What {@link Devices.generateKey} gives. */
export interface MadeKey {
  /** Where `serve` finds it. */
  readonly options: DeviceProviderOptions;
  /** What the operator should know. */
  readonly warnings: readonly string[];
  readonly generated: GeneratedKey;
}

/** A way to devices. Owns its sessions; providers of one device share one. */
export interface Devices extends AsyncDisposable {
  /** Nothing is asked of the device yet. The provider is closed with the devices, or before. */
  openProvider(options: DeviceProviderOptions): Promise<KeyProvider>;
  /**
   * Has a device make a key.
   * @param options.label what the object is called in the device
   */
  generateKey(
    request: DeviceKeyRequest,
    options: AbortOptions & { readonly label: string },
  ): Promise<MadeKey>;
  /**
   * Deletes a key that signs nothing any more, with the rights that serve. Where a device does not
   * offer it, a person has to.
   *
   * @throws what the device does: the rights may not allow it.
   */
  readonly destroyKey?: ((options: DeviceProviderOptions) => Promise<void>) | undefined;
}

/** A home that is served from devices: their logs are drained into it. */
export interface ServedDevices {
  readonly home: string;
  /** Every key that is signed with: what else a device signed is another's work. */
  readonly keys: readonly Pick<YubiHsmProviderOptions, 'connector' | 'authKeyId' | 'objectId'>[];
}

/** How a command, or a signer, gets to devices. */
export interface DeviceDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  /** @default those that are there, reached as `signer.toml` says */
  readonly devices?: (() => Devices) | undefined;
  /** Present while they are served from. */
  readonly served?: ServedDevices | undefined;
}

/** The devices, none of them opened yet. Their code is loaded now. */
export async function openDevices(deps: DeviceDeps): Promise<Devices> {
  if (deps.devices !== undefined) return deps.devices();
  const { DeviceConnections } = await import('./device-connections.ts');
  return new DeviceConnections(deps);
}
