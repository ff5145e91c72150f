/** Keys in YubiHSMs: providers that share a device, and new keys. */
import type { KeyProvider } from '@privval/hsm/key-provider';
import { generateValidatorKey, removeValidatorKey } from '@privval/hsm/provisioning/validator-key';
import { YubiHsmDevice } from '@privval/hsm/yubihsm-provider/yubihsm-device';
import { YubiHsmProvider } from '@privval/hsm/yubihsm-provider/yubihsm-provider';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { CodedError, InvariantError } from '@privval/proto/runtime/coded-error';
import type { DeviceLog } from '../audit/device-log.ts';
import { DeviceLogDrain } from '../audit/device-log-drain.ts';
import { openDeviceLog } from '../audit/open-device-log.ts';
import type { YubiHsmCredentials, YubiHsmKeyRequest } from './device-key-request.ts';
import type { DeviceDeps, MadeKey } from './devices.ts';
import { objectIdText, type YubiHsmProviderOptions } from './provider-options.ts';

/** Which device, with which rights. */
interface DevicePlace extends YubiHsmCredentials {
  readonly connector: string;
  readonly serial?: string | undefined;
}

/** The devices of a process: one for each connector and authentication key, whichever keys are in them. */
export class YubiHsms implements AsyncDisposable {
  readonly #deps: DeviceDeps;
  readonly #devices = new Map<string, YubiHsmDevice>();
  readonly #resources = new AsyncDisposableStack();
  /** Closed after the devices. */
  readonly #logs = new AsyncDisposableStack();
  #deviceLog: DeviceLog | 'unopened' | undefined = 'unopened';

  constructor(deps: DeviceDeps) {
    this.#deps = deps;
  }

  /** A provider; nothing is asked of its device yet. */
  openProvider(options: YubiHsmProviderOptions): KeyProvider {
    const { clock } = this.#deps;
    const { objectId, commandTimeoutMs } = options;
    const device = this.#shared(options);
    return new YubiHsmProvider({ device, clock }, { objectId, commandTimeoutMs });
  }

  /**
   * Has the device make a key. The setup credentials, if there are any, are used here and nowhere else.
   *
   * @throws what {@link generateValidatorKey} throws.
   */
  async generateKey(
    request: YubiHsmKeyRequest,
    { label, signal }: AbortOptions & { readonly label: string },
  ): Promise<MadeKey> {
    const { generate, standby, objectId: id, ...place } = request;
    const isExportable = generate?.isExportable ?? true;
    const setupPlace: DevicePlace = { ...place, ...generate?.setup };
    await using used = new AsyncDisposableStack();
    const serving = this.#shared(place);
    const setup = generate?.setup === undefined ? serving : used.use(this.#open(setupPlace));
    const made = await generateValidatorKey({ serving, setup, id, label, isExportable, signal });
    const object = objectIdText(made.id);
    return {
      options: { ...place, objectId: made.id },
      warnings: made.warnings,
      generated: {
        where: `YubiHSM ${made.serial} as object ${object}`,
        howToRemove: `delete it with an authentication key that holds delete-asymmetric-key, for one with yubihsm-shell: delete object ${object} asymmetric-key`,
        remove: async () => {
          await using device = this.#open(setupPlace);
          await removeValidatorKey(device, made.id);
        },
      },
    };
  }

  /** Deletes a key, in a session of its own. @throws what the device does. */
  async destroyKey({ objectId, ...place }: YubiHsmProviderOptions): Promise<void> {
    await using device = this.#open(place);
    await removeValidatorKey(device, objectId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
    await this.#logs.disposeAsync();
  }

  #shared(place: DevicePlace): YubiHsmDevice {
    const { connector, authKeyId, passwordFile, serial } = place;
    const name = JSON.stringify([connector, authKeyId, passwordFile, serial]);
    const known = this.#devices.get(name);
    if (known !== undefined) return known;
    const device = this.#resources.use(this.#open(place));
    this.#devices.set(name, device);
    this.#keepLog(device, { connector, authKeyId });
    return device;
  }

  /** While a home is served: the device's log is drained before it fills, and held against our own record. */
  #keepLog(
    device: YubiHsmDevice,
    place: { readonly connector: string; readonly authKeyId: number },
  ): void {
    const { clock, logger, served } = this.#deps;
    if (served === undefined) return;
    const log = this.#log(served.home);
    if (log === undefined) return;
    const keyIds = served.keys
      .filter((key) => key.connector === place.connector && key.authKeyId === place.authKeyId)
      .map(({ objectId }) => objectId);
    const drain = DeviceLogDrain.start({ log, device, clock, logger }, { keyIds });
    device.keepLogWith(this.#resources.use(drain));
  }

  /** The home's table, opened once. Without it the validators are served all the same. */
  #log(home: string): DeviceLog | undefined {
    if (this.#deviceLog !== 'unopened') return this.#deviceLog;
    const { clock, logger } = this.#deps;
    try {
      this.#deviceLog = this.#logs.use(openDeviceLog({ clock, logger }, home));
    } catch (error) {
      if (!(error instanceof CodedError) || error instanceof InvariantError) throw error;
      const { code, message: reason } = error;
      logger.error({ alarm: true, code, reason }, 'the logs of devices are not drained');
      this.#deviceLog = undefined;
    }
    return this.#deviceLog;
  }

  #open({ connector, authKeyId, passwordFile, serial }: DevicePlace): YubiHsmDevice {
    const { clock, logger } = this.#deps;
    return new YubiHsmDevice({ clock, logger }, { connector, authKeyId, passwordFile, serial });
  }
}
