/** What a client itself says no to. */
import { YubiHsmError } from './yubihsm-error.ts';

/** So many commands wait that one more was turned away; it was not sent. */
export class QueueFullError extends YubiHsmError {
  override readonly name = 'QueueFullError';
  readonly code = 'ERR_YUBIHSM_QUEUE_FULL';
  override readonly remedy = 'wait';
  readonly maxQueued: number;

  constructor(command: string, maxQueued: number) {
    super(
      `${command}: ${maxQueued} commands wait for the device already. It is asked for more than it ` +
        'can do: spread the work over more devices',
    );
    this.maxQueued = maxQueued;
  }
}

/** The command waited for its turn until its time was up; it was not sent. */
export class QueueTimeoutError extends YubiHsmError {
  override readonly name = 'QueueTimeoutError';
  readonly code = 'ERR_YUBIHSM_QUEUE_TIMEOUT';
  override readonly remedy = 'wait';
  readonly limitMs: number;

  constructor(command: string, options: ErrorOptions & { readonly limitMs: number }) {
    const { limitMs } = options;
    super(
      `${command}: its turn did not come within ${limitMs} ms. The device is slow, or asked for ` +
        'more than it can do',
      options,
    );
    this.limitMs = limitMs;
  }
}

/** The command was under way, and there was no answer within its time. */
export class CommandTimeoutError extends YubiHsmError {
  override readonly name = 'CommandTimeoutError';
  readonly code = 'ERR_YUBIHSM_COMMAND_TIMEOUT';
  override readonly remedy = 'wait';
  /** False while a session was still being opened for it. */
  override readonly mayHaveRun: boolean;
  readonly limitMs: number;

  constructor(
    command: string,
    options: ErrorOptions & { readonly limitMs: number; readonly mayHaveRun: boolean },
  ) {
    const { limitMs, mayHaveRun } = options;
    super(
      `${command}: no answer within ${limitMs} ms. The device hangs, or others keep it busy; if it ` +
        'goes on, unplug it and plug it in again',
      options,
    );
    this.limitMs = limitMs;
    this.mayHaveRun = mayHaveRun;
  }
}

/** The client was closed by this program. */
export class ClientClosedError extends YubiHsmError {
  override readonly name = 'ClientClosedError';
  readonly code = 'ERR_YUBIHSM_CLIENT_CLOSED';
  /** True when a command was under way that did not end in time. */
  override readonly mayHaveRun: boolean;

  constructor(mayHaveRun: boolean, options?: ErrorOptions) {
    super('this YubiHSM client has been closed', options);
    this.mayHaveRun = mayHaveRun;
  }
}

/** More data than the device takes in one command; nothing was sent. */
export class MessageTooLongError extends YubiHsmError {
  override readonly name = 'MessageTooLongError';
  readonly code = 'ERR_YUBIHSM_MESSAGE_TOO_LONG';
  readonly actualBytes: number;
  readonly limitBytes: number;
  /** `2.3.1`; `undefined` when no firmware takes so much. */
  readonly firmware: string | undefined;

  constructor(
    command: string,
    lengths: { readonly actualBytes: number; readonly limitBytes: number },
    firmware?: string,
  ) {
    const { actualBytes, limitBytes } = lengths;
    const device =
      firmware === undefined
        ? `no YubiHSM 2 takes more than ${limitBytes}`
        : `firmware ${firmware} takes ${limitBytes} at most; 2.4 takes more`;
    super(`${command}: ${actualBytes} bytes of data in one command, but ${device}`);
    this.actualBytes = actualBytes;
    this.limitBytes = limitBytes;
    this.firmware = firmware;
  }
}
