/** The way to the device as a client sees it: frames, plain commands, and whether it is silent. */
import type { Command } from './commands/command.ts';
import { echo } from './commands/device-commands.ts';
import type { Connector } from './connector/connector.ts';
import { ConnectorTimeoutError, ConnectorUnreachableError } from './connector/connector-errors.ts';
import { untilAborted } from './linked-signal.ts';
import { runPlainCommand } from './plain-command.ts';

/** A wait that somebody always ends. */
export interface BoundedWait {
  readonly signal: AbortSignal;
}

/** What is asked of a device that was silent: any answer will do. */
const PROBE = echo(Uint8Array.of(0x3f));

/** Carries frames by a connector, and ends every wait at once when it is told to, whatever the connector does. */
export class DeviceLink {
  readonly #connector: Connector;
  #isSilent = false;

  /** The connector stays its owner's. */
  constructor(connector: Connector) {
    this.#connector = connector;
  }

  /** Sends one frame. @throws a connector error, or `signal.reason`. */
  async transceive(frame: Uint8Array, { signal }: BoundedWait): Promise<Uint8Array> {
    signal.throwIfAborted();
    try {
      return await untilAborted(this.#connector.transceive(frame, { signal }), signal);
    } catch (error) {
      if (signal.aborted || error instanceof ConnectorTimeoutError) this.#isSilent = true;
      throw error;
    }
  }

  /** See {@link runPlainCommand}. */
  runPlain<Reply>(command: Command<Reply>, wait: BoundedWait): Promise<Reply> {
    const { name } = this.#connector;
    const transceive = (frame: Uint8Array): Promise<Uint8Array> => this.transceive(frame, wait);
    return runPlainCommand({ name, transceive }, command);
  }

  /**
   * Asks a device whose last answer did not come something that costs nothing, before it is asked for
   * a session: each CreateSession it gets to too late would hold one of its 16 sessions for 30 s.
   *
   * @throws when there is no answer again.
   */
  async expectAnswers(wait: BoundedWait): Promise<void> {
    if (!this.#isSilent) return;
    try {
      await this.runPlain(PROBE, wait);
    } catch (error) {
      const isSilent = wait.signal.aborted || error instanceof ConnectorTimeoutError;
      if (isSilent || error instanceof ConnectorUnreachableError) throw error;
    }
    this.#isSilent = false;
  }
}
