/** A simulated YubiHSM 2 as a validator has it: a signing key in it, and an authentication key that may use it. */
import { writeFileSync } from 'node:fs';
import {
  YubiHsmDevice,
  type YubiHsmDeviceDeps,
  type YubiHsmDeviceOptions,
} from '@privval/hsm/yubihsm-provider/yubihsm-device';
import {
  YubiHsmProvider,
  type YubiHsmProviderOptions,
} from '@privval/hsm/yubihsm-provider/yubihsm-provider';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { type Clock, systemClock } from '@privval/proto/runtime/clock';
import { authenticationKeysFromPassword } from 'yubihsm/channel/password';
import { type Capability, capabilityBits } from 'yubihsm/objects/capability';
import { RecordingLogger } from './recording-logger.ts';
import { ScratchFolder } from './scratch-folder.ts';
import { ed25519KeyFromSeed } from './yubihsm-sim/crypto/ed25519-key.ts';
import { ALGORITHM } from './yubihsm-sim/device/algorithm.ts';
import { OBJECT_TYPE } from './yubihsm-sim/device/object-type.ts';
import type { StoredObject } from './yubihsm-sim/device/stored-object.ts';
import {
  startYubiHsmSimulator,
  type YubiHsmSimulator,
  type YubiHsmSimulatorOptions,
} from './yubihsm-sim/simulator.ts';

/** The validator's authentication key and its password. */
export const AUTH_KEY_ID = 4;
export const PASSWORD = 'the password of the validator';
/** The signing key. */
export const KEY_ID = 0x64;
/** What is printed on the simulated device. */
export const SERIAL = '0007550140';

/** What is in the device. */
export interface ValidatorDeviceOptions extends YubiHsmSimulatorOptions {
  /** The key's seed, 32 bytes. @default 32 bytes of 7 */
  readonly seed?: Uint8Array;
  /** Of the authentication key. @default sign-eddsa and get-log-entries */
  readonly rights?: readonly Capability[];
  /** Whether authentication key 1 with the factory's password is still there. @default false */
  readonly hasFactoryKey?: boolean;
  /** Of the key that is authentication key 1 instead. @default there is none */
  readonly adminLabel?: string;
  /** Of simulator and provider alike. @default the machine's */
  readonly clock?: Clock;
}

/** Simulator, objects, password file; and what is needed to reach them. */
export class ValidatorDevice implements AsyncDisposable {
  readonly publicKey: Uint8Array;
  readonly seed: Uint8Array;
  readonly logger: RecordingLogger = new RecordingLogger();
  readonly clock: Clock;
  readonly #folder = new ScratchFolder();
  readonly #passwordFile: string;
  readonly #port: number;
  #simulator: YubiHsmSimulator | undefined;
  readonly #device: YubiHsmSimulator['device'];

  private constructor(simulator: YubiHsmSimulator, options: ValidatorDeviceOptions) {
    this.#simulator = simulator;
    this.#device = simulator.device;
    this.#port = simulator.port;
    this.clock = options.clock ?? systemClock;
    this.seed = options.seed ?? new Uint8Array(32).fill(7);
    using secret = Ed25519SecretKey.fromSeed(this.seed.slice());
    this.publicKey = secret.publicKey.bytes;
    this.#passwordFile = this.#folder.join('password');
    writeFileSync(this.#passwordFile, `${PASSWORD}\n`, { mode: 0o600 });
    this.#fill(options);
  }

  static async start(options: ValidatorDeviceOptions = {}): Promise<ValidatorDevice> {
    const { clock = systemClock } = options;
    return new ValidatorDevice(await startYubiHsmSimulator({ clock }, options), options);
  }

  get simulator(): YubiHsmSimulator {
    if (this.#simulator === undefined) throw new Error('the connector is down');
    return this.#simulator;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** The device as the signer sees it, over HTTP or what is given. The caller's to dispose. */
  connect(
    options: Partial<YubiHsmDeviceOptions> = {},
    connect?: YubiHsmDeviceDeps['connect'],
  ): YubiHsmDevice {
    const { clock, logger } = this;
    return new YubiHsmDevice(
      { clock, logger, connect },
      {
        connector: this.url,
        authKeyId: AUTH_KEY_ID,
        passwordFile: this.#passwordFile,
        ...options,
      },
    );
  }

  /** A provider of the key; `device` stays the caller's. */
  provider(device: YubiHsmDevice, options: Partial<YubiHsmProviderOptions> = {}): YubiHsmProvider {
    return new YubiHsmProvider({ device, clock: this.clock }, { objectId: KEY_ID, ...options });
  }

  /** Another password from now on, in the file. */
  writePassword(password: string): void {
    writeFileSync(this.#passwordFile, password, { mode: 0o600 });
  }

  /** An object of the device, changed behind its back; what it was before is returned. */
  change(
    type: 'key' | 'auth-key',
    change: (object: StoredObject) => Partial<StoredObject>,
  ): StoredObject {
    const { store } = this.#device.state;
    const object =
      type === 'key'
        ? store.get(OBJECT_TYPE.asymmetricKey, KEY_ID)
        : store.get(OBJECT_TYPE.authenticationKey, AUTH_KEY_ID);
    if (object === undefined) throw new Error(`the device has no ${type}`);
    store.replace({ ...object, ...change(object) });
    return object;
  }

  /** Puts an object back as it was. */
  restore(object: StoredObject): void {
    this.#device.state.store.replace(object);
  }

  /** Takes an object away. */
  remove(object: StoredObject): void {
    this.#device.state.store.delete(object);
  }

  /** The connector's process ends; the device keeps what it has. */
  async stopConnector(): Promise<void> {
    await this.#simulator?.[Symbol.asyncDispose]();
    this.#simulator = undefined;
  }

  /** It is started again, on the same port. */
  async startConnector(): Promise<void> {
    const deps = { clock: this.clock, device: this.#device };
    this.#simulator = await startYubiHsmSimulator(deps, { port: this.#port });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopConnector();
    this.#folder[Symbol.dispose]();
  }

  #fill(options: ValidatorDeviceOptions): void {
    const { store } = this.#device.state;
    const {
      rights = ['sign-eddsa', 'get-log-entries'],
      hasFactoryKey = false,
      adminLabel,
    } = options;
    const common = { label: new Uint8Array(40), domains: 1, delegated: 0n, origin: 2 };
    store.add({
      ...common,
      type: OBJECT_TYPE.authenticationKey,
      id: AUTH_KEY_ID,
      algorithm: ALGORITHM.aes128YubicoAuthentication,
      capabilities: capabilityBits(rights),
      material: {
        kind: 'auth-symmetric',
        ...authenticationKeysFromPassword(new TextEncoder().encode(PASSWORD)),
      },
    });
    store.add({
      ...common,
      type: OBJECT_TYPE.asymmetricKey,
      id: KEY_ID,
      algorithm: ALGORITHM.ed25519,
      capabilities: capabilityBits(['sign-eddsa']),
      material: { kind: 'ed25519', key: ed25519KeyFromSeed(this.seed.slice()) },
    });
    const factoryKey = store.get(OBJECT_TYPE.authenticationKey, 1);
    if (factoryKey === undefined || hasFactoryKey) return;
    store.delete(factoryKey);
    if (adminLabel === undefined) return;
    const label = new Uint8Array(40);
    new TextEncoder().encodeInto(adminLabel, label);
    store.add({ ...factoryKey, label });
  }
}
