/** Devices as commands see them: places with keys, and a device that makes new ones. */
import { createHash } from 'node:crypto';
import type { KeyProvider } from '@privval/hsm/key-provider';
import type { PublicKey } from '@privval/proto/crypto/public-key';
import { systemClock } from '@privval/proto/runtime/clock';
import type { DeviceKeyRequest } from '@privval/signer/keyring/device-key-request';
import type { Devices, MadeKey } from '@privval/signer/keyring/devices';
import {
  type DeviceProviderOptions,
  isSamePlace,
  providerName,
} from '@privval/signer/keyring/provider-options';
import { type FakeCondition, FakeProvider, FakeProviderError } from './fake-provider.ts';

/** What stays when a command has ended: the keys. */
export class FakeDevices {
  /** What was asked of devices, in order. */
  readonly asked: string[] = [];
  /** How every key is, from now on. */
  condition: FakeCondition = 'healthy';
  /** Whether rights allow a key that was made to be removed. */
  canRemove = true;
  readonly #keys: { readonly place: DeviceProviderOptions; readonly seed: Uint8Array }[] = [];

  /** Puts a key into a place. */
  put(place: DeviceProviderOptions, seed: Uint8Array): PublicKey {
    this.#keys.push({ place, seed });
    return new FakeProvider({ clock: systemClock }, { seed }).publicKey;
  }

  /** How many keys there are. */
  get count(): number {
    return this.#keys.length;
  }

  /** For one command. */
  readonly open = (): Devices => ({
    openProvider: async (place) => this.#provider(place),
    generateKey: async (request, { label }) => this.#generate(request, label),
    [Symbol.asyncDispose]: async () => undefined,
  });

  #provider(place: DeviceProviderOptions): KeyProvider {
    this.asked.push(`open ${providerName(place)}`);
    const found = this.#keys.find((key) => isSamePlace(key.place, place));
    const provider = new FakeProvider(
      { clock: systemClock },
      { name: providerName(place), ...(found === undefined ? {} : { seed: found.seed }) },
    );
    provider.condition = found === undefined ? 'key-missing' : this.condition;
    return provider;
  }

  #generate(request: DeviceKeyRequest, label: string): MadeKey {
    this.asked.push(`generate ${label}`);
    const { generate, standby, ...rest } = request;
    const place: DeviceProviderOptions =
      rest.kind === 'yubihsm'
        ? { ...rest, objectId: rest.objectId ?? 0x1234 }
        : { ...rest, key: rest.key ?? { label } };
    this.put(place, new Uint8Array(createHash('sha256').update(providerName(place)).digest()));
    return {
      options: place,
      warnings: generate !== undefined && 'setup' in generate ? ['it may do more than sign'] : [],
      generated: {
        where: providerName(place),
        howToRemove: 'remove it by hand',
        remove: async () => {
          if (!this.canRemove)
            throw new FakeProviderError({ code: 'ERR_FAKE_RIGHTS', remedy: 'repair' });
          this.#keys.pop();
        },
      },
    };
  }
}
