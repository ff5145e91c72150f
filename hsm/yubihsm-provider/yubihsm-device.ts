/** One YubiHSM 2, as one connector and one authentication key show it. */
import { type AbortOptions, abortable, anySignal } from '@privval/proto/runtime/abort';
import type { Clock } from '@privval/proto/runtime/clock';
import { errorCode, InvariantError } from '@privval/proto/runtime/coded-error';
import { type Logger, withFields } from '@privval/proto/runtime/logger';
import { authenticationKeysFromPassword } from 'yubihsm/channel/password';
import type { Command } from 'yubihsm/commands/command';
import { deviceInfo } from 'yubihsm/commands/device-commands';
import { getObjectInfo } from 'yubihsm/commands/object-commands';
import { getForceAudit } from 'yubihsm/commands/option-commands';
import type { Connector } from 'yubihsm/connector/connector';
import { HttpConnector } from 'yubihsm/connector/http-connector';
import { LogFullError } from 'yubihsm/device-errors';
import type { ObjectInfo } from 'yubihsm/objects/object-info';
import type { RunInSession } from 'yubihsm/session-hooks';
import { YubiHsmClient } from 'yubihsm/yubihsm-client';
import type { DeviceLogReading, LoggedDevice, LogUse } from '../device-log/logged-device.ts';
import type { SignatureTally } from '../device-log/signature-tally.ts';
import { yubiHsmLog } from '../device-log/yubihsm-log.ts';
import { readPassphraseFile } from '../file/secret-file.ts';
import { remedyOf } from '../key-provider.ts';
import { factoryPassword, tryOpenSession } from '../provisioning/device-session.ts';
import { FACTORY_KEY_ID, FACTORY_KEY_LABEL } from '../provisioning/roles.ts';
import { AnotherDeviceError } from '../provisioning/setup-errors.ts';
import { KeyClosedError } from '../signing-key.ts';
import { ExpectedKeys } from './expected-keys.ts';
import { mayDrain, rightsWarnings } from './signing-rights.ts';
import { yubiHsmFault } from './yubihsm-fault.ts';

/** To reach the connector. */
const CONNECT_TIMEOUT_MS = 2_000;

/** For a command, where it is not said otherwise: from dispatch on, a session that must be opened included. */
const COMMAND_TIMEOUT_MS = 3_000;

/** In line, where it is not said otherwise. */
const QUEUE_TIMEOUT_MS = 5_000;

/** Commands of all keys of the device that may wait: two signatures for each of 32 chains. */
const MAX_QUEUED = 64;

/** Collaborators of a {@link YubiHsmDevice}. */
export interface YubiHsmDeviceDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  /** How a connector is reached; the device owns what it gives. @default over HTTP */
  readonly connect?: ((url: string) => Promise<Connector>) | undefined;
}

/** Which device, and with which rights. */
export interface YubiHsmDeviceOptions {
  /** `http://127.0.0.1:12345`. */
  readonly connector: string;
  readonly authKeyId: number;
  /** Mode 0600; one trailing newline is dropped (S18). Read until a session has been opened with it. */
  readonly passwordFile: string;
  /** Ten digits: the only device that is taken. @default whichever is plugged in */
  readonly serial?: string | undefined;
}

/** Who reads the device's log before it is full, and knows what should be in it. */
export interface DeviceLogKeeper {
  /** Frees the log; what is under way already is joined. */
  drain(options?: AbortOptions): Promise<unknown>;
  /** Told when a signature is asked of the device, and once more when it was answered with one. */
  count(keyId: number, what: keyof SignatureTally): void;
}

/** How long a command may take. */
export interface DeviceRunOptions extends AbortOptions {
  /** In line. @default 5000 */
  readonly queueTimeoutMs?: number | undefined;
  /** From dispatch on. @default 3000 */
  readonly commandTimeoutMs?: number | undefined;
}

/**
 * A device that several keys share: one connector, one session, one queue, one command at a time.
 *
 * Nothing is asked of it before the first command. From then on its client renews the session by
 * itself, and each session is held against the serial and the keys in use before anything else is
 * done in it, since what is plugged in may have changed. A full log (force-audit) is drained by its
 * keeper, and the command asked once more; without a keeper it is a fault.
 *
 * Every method throws {@link YubiHsmFaultError}s with the package's codes, {@link AnotherDeviceError}
 * ERR_ANOTHER_DEVICE, what is wrong with the password file, or {@link KeyClosedError} ERR_KEY_CLOSED.
 */
export class YubiHsmDevice implements LoggedDevice, AsyncDisposable {
  /** `yubihsm http://127.0.0.1:12345`. */
  readonly name: string;
  /** Those that are open: each session begins with a look at them. */
  readonly keys: ExpectedKeys;
  readonly #options: YubiHsmDeviceOptions;
  readonly #deps: YubiHsmDeviceDeps;
  readonly #logger: Logger;
  readonly #shutdown = new AbortController();
  #connector: Promise<Connector> | undefined;
  #client: Promise<YubiHsmClient> | undefined;
  /** A password that was refused is not tried again before the next start. */
  #refusal: { readonly error: unknown } | undefined;
  #sessions = 0;
  #renewal: Promise<void> | undefined;
  /** Whether the session's device is known to be the right one: its log may have been too full to ask. */
  #isChecked = true;
  #keeper: DeviceLogKeeper | undefined;
  #hasFactoryPassword: boolean | undefined;
  readonly #warnings = new Set<string>();

  constructor(deps: YubiHsmDeviceDeps, options: YubiHsmDeviceOptions) {
    this.name = `yubihsm ${options.connector}`;
    this.keys = new ExpectedKeys(this.name);
    this.#options = options;
    this.#deps = deps;
    this.#logger = withFields(deps.logger, { device: this.name });
  }

  /** Sessions opened so far: the number of the one there is. */
  get sessions(): number {
    return this.#sessions;
  }

  /** Who drains the log from now on. */
  keepLogWith(keeper: DeviceLogKeeper): void {
    this.#keeper = keeper;
  }

  /** See {@link DeviceLogKeeper.count}. */
  count(keyId: number, what: keyof SignatureTally): void {
    this.#keeper?.count(keyId, what);
  }

  /** Runs one command, in its turn. */
  async run<Reply>(command: Command<Reply>, options: DeviceRunOptions = {}): Promise<Reply> {
    const run = (client: YubiHsmClient): Promise<Reply> => client.run(command, limits(options));
    try {
      return await this.#checked(run, options);
    } catch (error) {
      if (errorCode(error) !== 'ERR_YUBIHSM_LOG_FULL' || this.#keeper === undefined) throw error;
      this.#logger.warn(
        {},
        'the log of this device is full: it is drained, and the command asked again',
      );
      await this.#keeper.drain({ signal: options.signal });
      return await this.#checked(run, options);
    }
  }

  /**
   * Has a session other than the one with this number: that is closed, if it is the current one, and
   * another opened in its turn, once for all who want it.
   */
  async leaveSession(number: number | undefined, options: AbortOptions = {}): Promise<void> {
    await this.#ask(async (client) => {
      if (number !== this.#sessions) return;
      this.#renewal ??= client.renewSession({ signal: this.#shutdown.signal }).finally(() => {
        this.#renewal = undefined;
      });
      await abortable(this.#renewal, options);
    }, options);
  }

  /** What the session's own authentication key is and may do. */
  async ownRights(options: AbortOptions = {}): Promise<ObjectInfo> {
    return this.run(getObjectInfo(this.#options.authKeyId, 'authentication-key'), options);
  }

  /**
   * Says in the log, once each, what an operator should change: see `rightsWarnings`. What cannot
   * be found out is passed over.
   */
  async warnOfRights(authKey: ObjectInfo, options: AbortOptions = {}): Promise<void> {
    const mayAsk = authKey.capabilities.includes('get-option');
    const warnings = rightsWarnings({
      authKey,
      hasFactoryPassword: await this.#findFactoryPassword(options),
      forceAudit:
        mayAsk && !mayDrain(authKey) ? await this.run(getForceAudit(), options) : undefined,
    });
    for (const text of warnings.filter((warning) => !this.#warnings.has(warning))) {
      this.#warnings.add(text);
      this.#logger.warn({}, text);
    }
  }

  logUse(options: AbortOptions = {}): Promise<LogUse> {
    return this.#ask((client) => yubiHsmLog(client, this.name).logUse(options), options);
  }

  readLog(options: AbortOptions = {}): Promise<DeviceLogReading> {
    return this.#ask((client) => yubiHsmLog(client, this.name).readLog(options), options);
  }

  freeLog(upTo: number, options: AbortOptions = {}): Promise<void> {
    return this.#ask((client) => yubiHsmLog(client, this.name).freeLog(upTo, options), options);
  }

  /** Closes the session on the device. Its keys are to be closed before. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#shutdown.abort(new KeyClosedError());
    const [client] = await Promise.allSettled([this.#client]);
    if (client.status === 'fulfilled') await client.value?.[Symbol.asyncDispose]();
    const [connector] = await Promise.allSettled([this.#connector]);
    if (connector.status === 'fulfilled') await connector.value?.[Symbol.asyncDispose]();
  }

  /** As {@link #ask}, after the device was looked at, should the log have been too full for that before. */
  async #checked<T>(ask: (client: YubiHsmClient) => Promise<T>, options: AbortOptions): Promise<T> {
    if (!this.#isChecked) {
      await this.#ask((client) => this.#checkDevice((command) => client.run(command)), options);
    }
    return this.#ask(ask, options);
  }

  /** Asks the client something, with errors as the rest of the signer knows them. */
  async #ask<T>(ask: (client: YubiHsmClient) => Promise<T>, { signal }: AbortOptions): Promise<T> {
    try {
      return await ask(await this.#openClient({ signal }));
    } catch (error) {
      signal?.throwIfAborted();
      throw yubiHsmFault(this.name, error);
    }
  }

  async #openClient(options: AbortOptions): Promise<YubiHsmClient> {
    this.#shutdown.signal.throwIfAborted();
    if (this.#refusal !== undefined) throw this.#refusal.error;
    this.#client ??= this.#open().catch((error: unknown) => {
      this.#client = undefined;
      if (remedyOf(error) === 'restart') this.#refusal = { error };
      throw error;
    });
    return abortable(this.#client, options);
  }

  async #open(): Promise<YubiHsmClient> {
    const { authKeyId, passwordFile } = this.#options;
    const connector = await this.#connect();
    using password = readPassphraseFile(passwordFile);
    const keys = password.use(authenticationKeysFromPassword);
    try {
      return await YubiHsmClient.open(
        {
          connector,
          clock: this.#deps.clock,
          observer: {
            opened: () => {
              this.#sessions++;
            },
            lost: (_session, error) => this.#sayLost(error),
          },
        },
        {
          authKeyId,
          credentials: { kind: 'keys', ...keys },
          commandTimeoutMs: COMMAND_TIMEOUT_MS,
          queueTimeoutMs: QUEUE_TIMEOUT_MS,
          maxQueued: MAX_QUEUED,
          closeTimeoutMs: 500,
          checkDevice: (run) => this.#checkDevice(run),
          signal: this.#shutdown.signal,
        },
      );
    } finally {
      keys.encKey.fill(0);
      keys.macKey.fill(0);
    }
  }

  /** Sessions come and go; one that is given up for what came back is a matter of security. */
  #sayLost(error: unknown): void {
    const code = errorCode(error);
    const reason = error instanceof Error ? error.message : String(error);
    const level = code === 'ERR_YUBIHSM_UNTRUSTED_MESSAGE' ? 'warn' : 'debug';
    this.#logger[level]({ code, reason }, 'a session with this device was lost');
  }

  #connect(): Promise<Connector> {
    const { clock, connect } = this.#deps;
    const { connector: url } = this.#options;
    this.#connector ??=
      connect?.(url) ??
      Promise.resolve(HttpConnector.open({ clock }, { url, connectTimeoutMs: CONNECT_TIMEOUT_MS }));
    return this.#connector;
  }

  /**
   * Whether this is the right device, with the keys that are in use.
   *
   * @throws {AnotherDeviceError} ERR_ANOTHER_DEVICE
   * @throws what {@link ExpectedKeys.check} throws.
   */
  async #checkDevice(run: RunInSession): Promise<void> {
    const { serial: expected } = this.#options;
    this.#isChecked = false;
    try {
      if (expected !== undefined) {
        const { serial: actual } = await run(deviceInfo());
        if (actual !== expected) throw new AnotherDeviceError({ expected, actual });
      }
      await this.keys.check(run);
      this.#isChecked = true;
    } catch (error) {
      // Nothing but reading the log works now, and that must: it is looked at once that is done.
      if (!(error instanceof LogFullError)) throw error;
    }
  }

  /**
   * Tried once, and only where the factory's key is seen to be there: a wrong password is an attack in
   * the device's log. `undefined` as long as it is not known.
   */
  async #findFactoryPassword({ signal }: AbortOptions): Promise<boolean | undefined> {
    if (this.#hasFactoryPassword !== undefined) return this.#hasFactoryPassword;
    const { clock } = this.#deps;
    using deadline = clock.deadline(COMMAND_TIMEOUT_MS);
    try {
      if (!(await this.#seesFactoryKey({ signal: anySignal(signal, deadline.signal) }))) {
        this.#hasFactoryPassword = false;
        return false;
      }
      const session = await tryOpenSession(
        {
          clock,
          connector: await this.#connect(),
          signal: anySignal(signal, deadline.signal, this.#shutdown.signal),
        },
        FACTORY_KEY_ID,
        factoryPassword(),
      );
      await session?.[Symbol.asyncDispose]();
      this.#hasFactoryPassword = session !== undefined;
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof InvariantError) throw error;
    }
    return this.#hasFactoryPassword;
  }

  /** It is in all domains, so that every session sees it; an admin's key of that id has another label. */
  async #seesFactoryKey(options: AbortOptions): Promise<boolean> {
    try {
      const { label } = await this.run(
        getObjectInfo(FACTORY_KEY_ID, 'authentication-key'),
        options,
      );
      return label === FACTORY_KEY_LABEL;
    } catch (error) {
      if (errorCode(error) === 'ERR_YUBIHSM_OBJECT_NOT_FOUND') return false;
      throw error;
    }
  }
}

function limits(options: DeviceRunOptions): DeviceRunOptions {
  const { signal, queueTimeoutMs, commandTimeoutMs } = options;
  return { signal, queueTimeoutMs, commandTimeoutMs };
}
