/** How a client comes to a session: with patience, and without taking all of the device's. */
import { WrongCredentialsError } from './channel/wrong-credentials-error.ts';
import type { Clock } from './clock.ts';
import type { Turn } from './command-queue.ts';
import { closeSession } from './commands/device-commands.ts';
import { NoDeviceError } from './connector/connector-errors.ts';
import type { CredentialStore, RandomBytes } from './credentials.ts';
import { SessionsFullError } from './device-errors.ts';
import type { BoundedWait, DeviceLink } from './device-link.ts';
import { untilAborted } from './linked-signal.ts';
import { ReopenLimit } from './reopen-limit.ts';
import { Session } from './session.ts';
import { AuthKeyNotFoundError, SessionsLostTooOftenError } from './session-errors.ts';
import type { RunInSession, SessionObserver } from './session-hooks.ts';
import { YubiHsmError } from './yubihsm-error.ts';

/** Milliseconds to wait before another try when all sessions are in use; up to as much again at random. */
const SESSIONS_FULL_DELAY_MS = 1_000;

/** Collaborators of {@link SessionOpener}. */
export interface SessionOpenerDeps {
  readonly link: DeviceLink;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  readonly credentials: CredentialStore;
  readonly observer: SessionObserver;
}

/** Which sessions it opens. */
export interface SessionOpenerOptions {
  readonly authKeyId: number;
  readonly checkBeforeAuthenticating: boolean;
  readonly maxCommandsPerSession: number;
  /** Called in each new session before anything else. */
  readonly checkDevice: ((run: RunInSession) => Promise<void>) | undefined;
}

/** Opens sessions, one at a time. The session is its caller's. */
export class SessionOpener {
  readonly #deps: SessionOpenerDeps;
  readonly #options: SessionOpenerOptions;
  readonly #limit = new ReopenLimit();
  /** Whether these credentials have opened a session before. */
  #hasOpened = false;

  constructor(deps: SessionOpenerDeps, options: SessionOpenerOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  /**
   * One session, within the turn's time. While all are in use it waits a while and tries again.
   *
   * @throws {WrongCredentialsError} ERR_YUBIHSM_WRONG_CREDENTIALS, after one try.
   * @throws {AuthKeyNotFoundError} ERR_YUBIHSM_AUTH_KEY_NOT_FOUND, after one try.
   * @throws {SessionsFullError} ERR_YUBIHSM_SESSIONS_FULL when waiting any longer would take too long.
   * @throws {SessionsLostTooOftenError} ERR_YUBIHSM_SESSIONS_LOST_TOO_OFTEN likewise.
   * @throws what the connector, and `checkDevice`, throw.
   */
  async open(turn: Turn): Promise<Session> {
    const { link, clock, randomBytes, observer } = this.#deps;
    for (;;) {
      await link.expectAnswers(turn);
      const waitMs = this.#limit.waitMs(clock.monotonicMs());
      await this.#waitWithin(turn, waitMs, () => new SessionsLostTooOftenError(waitMs));
      try {
        const session = await this.#handshake(turn);
        await this.#check(session, turn);
        observer.opened?.(session.id);
        return session;
      } catch (error) {
        if (!(error instanceof SessionsFullError)) throw this.#withRemedy(error);
        const jitter = (randomBytes(1)[0] ?? 0) / 0x100;
        await this.#waitWithin(turn, SESSIONS_FULL_DELAY_MS * (1 + jitter), () => error);
      }
    }
  }

  async #handshake(turn: Turn): Promise<Session> {
    const { link, clock, randomBytes, credentials } = this.#deps;
    try {
      const channel = await credentials.openChannel(
        (frame) => link.transceive(frame, turn),
        randomBytes,
        this.#options,
      );
      this.#limit.opened(clock.monotonicMs());
      this.#hasOpened = true;
      const maxCommands = this.#options.maxCommandsPerSession;
      return new Session({ clock, link, maxCommands }, channel);
    } catch (error) {
      if (mayHoldSession(error)) this.#limit.opened(clock.monotonicMs());
      throw error;
    }
  }

  async #check(session: Session, turn: Turn): Promise<void> {
    const { checkDevice } = this.#options;
    if (checkDevice === undefined) return;
    try {
      const run: RunInSession = (command) => session.run(command, turn);
      await untilAborted(checkDevice(run), turn.signal);
    } catch (error) {
      if (session.isOver) this.#deps.observer.lost?.(session.id, error);
      else await endSession(session, turn);
      throw error;
    }
  }

  /** After the first session wrong credentials are no slip of the operator's any more. */
  #withRemedy(cause: unknown): unknown {
    if (!this.#hasOpened) return cause;
    const { authKeyId } = this.#options;
    if (cause instanceof WrongCredentialsError) {
      return new WrongCredentialsError(authKeyId, { remedy: 'repair', cause });
    }
    if (cause instanceof AuthKeyNotFoundError) {
      return new AuthKeyNotFoundError(authKeyId, { remedy: 'repair', cause });
    }
    return cause;
  }

  /** Waits, unless the turn would be over by then: then `error` at once. */
  async #waitWithin(turn: Turn, ms: number, error: () => Error): Promise<void> {
    if (ms <= 0) return;
    const { clock } = this.#deps;
    if (clock.monotonicMs() + ms >= turn.endsAtMs) throw error();
    await clock.sleep(ms, { signal: turn.signal });
  }
}

/** Closes a session on the device as far as that is possible; what is not closed ends by itself after 30 s. */
export async function endSession(session: Session, wait: BoundedWait): Promise<void> {
  try {
    await session.run(closeSession(), wait);
  } catch {
    // See above.
  }
  session.discard();
}

/** Whether a handshake that failed so may have left a session on the device. */
function mayHoldSession(error: unknown): boolean {
  if (error instanceof NoDeviceError) return false;
  return !(error instanceof YubiHsmError) || error.mayHaveRun;
}
