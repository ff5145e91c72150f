/** One session with a device: one command at a time, and the end of it at the first oddity. */
import type { SecureChannel } from './channel/secure-channel.ts';
import type { Clock } from './clock.ts';
import type { Command } from './commands/command.ts';
import { decodeFrame, errorCodeOf } from './connector/frame.ts';
import { deviceError } from './device-errors.ts';
import type { BoundedWait, DeviceLink } from './device-link.ts';
import { InvariantError } from './invariant-error.ts';
import { SessionLostError } from './session-errors.ts';

/** Milliseconds without a command after which a session counts as ended; a device ends it after 30 s. */
const IDLE_LIMIT_MS = 29_000;

/** Collaborators of {@link Session}. */
export interface SessionDeps {
  readonly clock: Clock;
  readonly link: DeviceLink;
  /** Commands it may carry. */
  readonly maxCommands: number;
}

/**
 * One session on the device, from its first command to its last.
 *
 * A command whose answer does not come, or is not what it must be, ends it: neither side then knows
 * what the other has counted. An encrypted frame is sent once. Not a queue: the owner runs one
 * command at a time.
 */
export class Session {
  readonly #deps: SessionDeps;
  readonly #channel: SecureChannel;
  #lastUsedMs: number;
  #isRunning = false;

  /** The channel is the session's from here on. */
  constructor(deps: SessionDeps, channel: SecureChannel) {
    this.#deps = deps;
    this.#channel = channel;
    this.#lastUsedMs = deps.clock.monotonicMs();
  }

  /** The number the device gave it: 0 to 15. */
  get id(): number {
    return this.#channel.sessionId;
  }

  /** Whether it has ended. */
  get isOver(): boolean {
    return this.#channel.isClosed;
  }

  /** Whether the device has ended it, or is about to, for want of commands. */
  get isIdle(): boolean {
    return this.#deps.clock.monotonicMs() - this.#lastUsedMs >= IDLE_LIMIT_MS;
  }

  /** Whether it can be used for another command: it lives, and has not carried as many as it may. */
  get isUsable(): boolean {
    return !this.isOver && !this.isIdle && this.#channel.counter <= this.#deps.maxCommands;
  }

  /**
   * Runs one command. Whatever fails other than by an encrypted answer of the device ends the
   * session, an abort too.
   *
   * @throws {DeviceError} the device's own, encrypted answer: the session goes on.
   * @throws {MalformedReplyError} ERR_YUBIHSM_MALFORMED_REPLY: an answer that `command` cannot read;
   *   the session goes on.
   * @throws {SessionLostError} ERR_YUBIHSM_SESSION_LOST
   * @throws {UntrustedMessageError} ERR_YUBIHSM_UNTRUSTED_MESSAGE
   * @throws what the connector throws.
   */
  async run<Reply>(command: Command<Reply>, wait: BoundedWait): Promise<Reply> {
    if (this.#isRunning) throw new InvariantError('two commands in one session at a time');
    this.#isRunning = true;
    try {
      const data = await this.#exchange(command, wait);
      return command.decode(data);
    } finally {
      this.#isRunning = false;
    }
  }

  /** Ends it on this side: the keys are wiped. The device does not hear of it. */
  discard(): void {
    this.#channel[Symbol.dispose]();
  }

  async #exchange(command: Command<unknown>, wait: BoundedWait): Promise<Uint8Array> {
    const { code, data, name } = command;
    const request = this.#channel.sealRequest({ command: code, data });
    this.#lastUsedMs = this.#deps.clock.monotonicMs();
    let reply: Uint8Array;
    try {
      reply = await this.#deps.link.transceive(request, wait);
      const outer = decodeFrame(reply);
      const outerCode = outer === undefined ? undefined : errorCodeOf(outer);
      if (outerCode !== undefined) throw new SessionLostError(name, outerCode);
    } catch (error) {
      this.discard();
      throw error;
    }
    const inner = this.#channel.openReply(reply);
    const innerCode = errorCodeOf(inner);
    if (innerCode !== undefined) throw deviceError(name, innerCode);
    return inner.data;
  }
}
