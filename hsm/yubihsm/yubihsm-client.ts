/** A YubiHSM 2 behind a connector: commands in, replies out. */
import { randomBytes } from 'node:crypto';
import { type Clock, systemClock } from './clock.ts';
import { CommandQueue, type Turn } from './command-queue.ts';
import type { Command } from './commands/command.ts';
import { deviceInfo } from './commands/device-commands.ts';
import type { Connector, WaitOptions } from './connector/connector.ts';
import { StaleConnectionError } from './connector/connector-errors.ts';
import { CredentialStore, type Credentials, type RandomBytes } from './credentials.ts';
import { DeviceError } from './device-errors.ts';
import { DeviceLink } from './device-link.ts';
import { expectSendable, SMALL_DATA_BYTES } from './message-limit.ts';
import type { DeviceInfo, FirmwareVersion } from './objects/device-info.ts';
import type { Session } from './session.ts';
import { SessionLostError } from './session-errors.ts';
import type { RunInSession, SessionObserver } from './session-hooks.ts';
import { endSession, SessionOpener } from './session-opener.ts';

/** The codes of a plain error that mean: this session has ended, the command was not looked at. */
const SESSION_ENDED_CODES: readonly number[] = [0x03, 0x04];

/** What is assumed of a device that does not say: the smallest frames. */
const OLDEST_FIRMWARE: FirmwareVersion = { major: 2, minor: 0, patch: 0 };

/** Collaborators of {@link YubiHsmClient}. */
export interface YubiHsmClientDeps {
  /** The way to the device. It stays the caller's: dispose it after the client. */
  readonly connector: Connector;
  /** @default the machine's own */
  readonly clock?: Clock | undefined;
  /** @default the operating system's generator */
  readonly random?: RandomBytes | undefined;
  readonly observer?: SessionObserver | undefined;
}

/** Whose sessions, and how patient to be. */
export interface YubiHsmClientOptions extends WaitOptions {
  readonly authKeyId: number;
  /** Copied: the caller's arrays may be wiped afterwards. */
  readonly credentials: Credentials;
  /**
   * Milliseconds for one command, from its turn on; opening a session is part of it. An Ed25519
   * signature alone takes the device more than 100. @default 5000
   */
  readonly commandTimeoutMs?: number | undefined;
  /** Milliseconds for which a command may wait for its turn. @default 4000 */
  readonly queueTimeoutMs?: number | undefined;
  /** Commands that may wait. @default 64 */
  readonly maxQueued?: number | undefined;
  /** Milliseconds that closing may take. @default 2000 */
  readonly closeTimeoutMs?: number | undefined;
  /** Commands after which a session is renewed: its MACs have 64 bits only. @default 2^20 */
  readonly maxCommandsPerSession?: number | undefined;
  /**
   * Called in each new session before anything else: after a loss another device may answer, or
   * this one may have been changed. What it throws goes to whoever wanted the session, which is closed.
   */
  readonly checkDevice?: ((run: RunInSession) => Promise<void>) | undefined;
  /**
   * Give up at once when the device does not prove itself, without letting it know. For simulators
   * that break at a wrong AuthenticateSession only. @default false
   */
  readonly checkBeforeAuthenticating?: boolean | undefined;
}

/** The limits of one command, where they differ from the client's. */
export interface RunOptions extends WaitOptions {
  readonly commandTimeoutMs?: number | undefined;
  readonly queueTimeoutMs?: number | undefined;
}

/**
 * Runs commands on one device with one authentication key, one at a time.
 *
 * A session is opened when it is needed, renewed after 29 s without commands and after 2^20 of
 * them, and given up at the first thing that is not as it must be. An encrypted frame is sent once. A
 * command is sent again, as a new message in a new session, in two cases only and once: the device
 * says that the session had ended before it, or the connector knows that nothing was sent. Whether
 * to ask again after anything else is the caller's to decide: see `mayHaveRun` of the error.
 *
 * Has no loop and no timer of its own: an idle client does nothing.
 */
export class YubiHsmClient implements AsyncDisposable {
  readonly #clock: Clock;
  readonly #link: DeviceLink;
  readonly #observer: SessionObserver;
  readonly #credentials: CredentialStore;
  readonly #opener: SessionOpener;
  readonly #queue: CommandQueue;
  readonly #limits: { readonly commandTimeoutMs: number; readonly queueTimeoutMs: number };
  readonly #closeTimeoutMs: number;
  #session: Session | undefined;
  /** Of the device the session is with; asked for when a command is long enough to depend on it. */
  #firmware: FirmwareVersion | undefined;
  #closed: Promise<void> | undefined;

  private constructor(deps: YubiHsmClientDeps, options: YubiHsmClientOptions) {
    this.#clock = deps.clock ?? systemClock;
    this.#link = new DeviceLink(deps.connector);
    this.#observer = deps.observer ?? {};
    this.#credentials = new CredentialStore(options.credentials);
    this.#queue = new CommandQueue(this.#clock, options.maxQueued ?? 64);
    this.#closeTimeoutMs = options.closeTimeoutMs ?? 2_000;
    this.#limits = {
      commandTimeoutMs: options.commandTimeoutMs ?? 5_000,
      queueTimeoutMs: options.queueTimeoutMs ?? 4_000,
    };
    this.#opener = new SessionOpener(
      {
        link: this.#link,
        clock: this.#clock,
        randomBytes: deps.random ?? ((count) => new Uint8Array(randomBytes(count))),
        credentials: this.#credentials,
        observer: this.#observer,
      },
      {
        authKeyId: options.authKeyId,
        checkBeforeAuthenticating: options.checkBeforeAuthenticating ?? false,
        checkDevice: options.checkDevice,
        maxCommandsPerSession: options.maxCommandsPerSession ?? 2 ** 20,
      },
    );
  }

  /**
   * Opens the first session, within `commandTimeoutMs`, and resolves with the client.
   *
   * @throws {WrongCredentialsError} ERR_YUBIHSM_WRONG_CREDENTIALS
   * @throws {AuthKeyNotFoundError} ERR_YUBIHSM_AUTH_KEY_NOT_FOUND
   * @throws {SessionsFullError} ERR_YUBIHSM_SESSIONS_FULL
   * @throws {CommandTimeoutError} ERR_YUBIHSM_COMMAND_TIMEOUT
   * @throws a connector error, or what `checkDevice` throws.
   */
  static async open(
    deps: YubiHsmClientDeps,
    options: YubiHsmClientOptions,
  ): Promise<YubiHsmClient> {
    await using stack = new AsyncDisposableStack();
    const client = stack.use(new YubiHsmClient(deps, options));
    await client.#enqueue('CreateSession', { signal: options.signal }, async (turn) => {
      await client.#usableSession(turn);
    });
    stack.move();
    return client;
  }

  /** Commands that wait for their turn; the one under way is not counted. */
  get queued(): number {
    return this.#queue.waiting;
  }

  /**
   * Runs one command in a session.
   *
   * An abort stops the waiting. If the command is under way its session is given up; the device may
   * still finish it.
   *
   * @throws {DeviceError} the device's own, encrypted answer.
   * @throws {MessageTooLongError} ERR_YUBIHSM_MESSAGE_TOO_LONG: nothing was sent.
   * @throws {QueueFullError} ERR_YUBIHSM_QUEUE_FULL
   * @throws {QueueTimeoutError} ERR_YUBIHSM_QUEUE_TIMEOUT
   * @throws {CommandTimeoutError} ERR_YUBIHSM_COMMAND_TIMEOUT
   * @throws {SessionLostError} ERR_YUBIHSM_SESSION_LOST
   * @throws {UntrustedMessageError} ERR_YUBIHSM_UNTRUSTED_MESSAGE
   * @throws {ClientClosedError} ERR_YUBIHSM_CLIENT_CLOSED
   * @throws a connector error, and what {@link YubiHsmClient.open} throws.
   */
  async run<Reply>(command: Command<Reply>, options: RunOptions = {}): Promise<Reply> {
    expectSendable(command);
    return this.#enqueue(command.name, options, async (turn) => {
      try {
        return await this.#runOnce(command, turn);
      } catch (error) {
        if (!isUnsent(error)) throw error;
        return await this.#runOnce(command, turn);
      }
    });
  }

  /**
   * Runs Echo, DeviceInfo or GetDevicePubkey outside of any session: nothing authenticates the reply.
   *
   * @throws as {@link YubiHsmClient.run}.
   */
  async runPlain<Reply>(command: Command<Reply>, options: RunOptions = {}): Promise<Reply> {
    expectSendable(command, OLDEST_FIRMWARE);
    return this.#enqueue(command.name, options, (turn) => {
      turn.isSent = true;
      return this.#link.runPlain(command, turn);
    });
  }

  /**
   * Closes the session there is and opens another: what a device is to do before it is trusted again.
   *
   * @throws as {@link YubiHsmClient.open}.
   */
  async renewSession(options: RunOptions = {}): Promise<void> {
    await this.#enqueue('CreateSession', options, async (turn) => {
      await this.#leaveSession(turn);
      await this.#usableSession(turn);
    });
  }

  /** Which device answers, asked in a session. @throws as {@link YubiHsmClient.run}. */
  async deviceInfo(options: RunOptions = {}): Promise<DeviceInfo> {
    return this.run(deviceInfo(), options);
  }

  /**
   * Turns away what waits, lets the command under way finish, closes the session on the device and
   * wipes all keys; all of it within `closeTimeoutMs`. Never throws: what cannot be closed ends by itself
   * after 30 s.
   */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.#queue.close(this.#closeTimeoutMs, async (signal) => {
      if (this.#session !== undefined) await endSession(this.#session, { signal });
    });
    this.#session?.discard();
    this.#session = undefined;
    this.#credentials[Symbol.dispose]();
  }

  #enqueue<T>(command: string, options: RunOptions, work: (turn: Turn) => Promise<T>): Promise<T> {
    return this.#queue.run(
      command,
      {
        signal: options.signal,
        commandTimeoutMs: options.commandTimeoutMs ?? this.#limits.commandTimeoutMs,
        queueTimeoutMs: options.queueTimeoutMs ?? this.#limits.queueTimeoutMs,
      },
      work,
    );
  }

  /** One try: in the session there is, or in a new one. */
  async #runOnce<Reply>(command: Command<Reply>, turn: Turn): Promise<Reply> {
    const session = await this.#usableSession(turn);
    try {
      if (command.data.length > SMALL_DATA_BYTES) {
        this.#firmware ??= await askFirmware(session, turn);
        expectSendable(command, this.#firmware);
      }
      turn.isSent = true;
      return await session.run(command, turn);
    } catch (error) {
      if (session.isOver) this.#observer.lost?.(session.id, error);
      throw error;
    }
  }

  async #usableSession(turn: Turn): Promise<Session> {
    if (this.#session?.isUsable) return this.#session;
    await this.#leaveSession(turn);
    const session = await this.#opener.open(turn);
    this.#session = session;
    this.#firmware = undefined;
    return session;
  }

  async #leaveSession(turn: Turn): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    if (session === undefined || session.isOver) return;
    // One that was idle for too long is gone, or its slot is somebody else's by now.
    if (session.isIdle) session.discard();
    else await endSession(session, turn);
  }
}

/** Whether a command can be sent again as a new message: the device did not take the one that was sent. */
function isUnsent(error: unknown): boolean {
  if (error instanceof SessionLostError) return SESSION_ENDED_CODES.includes(error.deviceCode);
  return error instanceof StaleConnectionError;
}

/** The version by the session's own word; the oldest when the device does not say. */
async function askFirmware(session: Session, turn: Turn): Promise<FirmwareVersion> {
  try {
    return (await session.run(deviceInfo(), turn)).version;
  } catch (error) {
    if (error instanceof DeviceError) return OLDEST_FIRMWARE;
    throw error;
  }
}
