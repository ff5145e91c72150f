/** Why there is no session, or no longer. */
import { type Remedy, YubiHsmError } from './yubihsm-error.ts';

/**
 * The device, or somebody on the way to it, answered an encrypted command with a plain error: the
 * session is gone. Plain answers prove nothing, so this one says nothing about the command.
 */
export class SessionLostError extends YubiHsmError {
  override readonly name = 'SessionLostError';
  readonly code = 'ERR_YUBIHSM_SESSION_LOST';
  override readonly remedy = 'wait';
  override readonly mayHaveRun = true;
  /** The vendor's name of the command. */
  readonly command: string;
  /** The byte that came; 03 when the session had ended, 04 when its slot belongs to another. */
  readonly deviceCode: number;

  constructor(command: string, deviceCode: number) {
    super(
      `${command}: the session is gone (error 0x${deviceCode.toString(16).padStart(2, '0')}, not ` +
        'encrypted). A new one is opened for the next command; if it goes on, see whether the ' +
        'device restarts, or who else is between',
    );
    this.command = command;
    this.deviceCode = deviceCode;
  }
}

/** The device has no authentication key with this id. No session came of it. */
export class AuthKeyNotFoundError extends YubiHsmError {
  override readonly name = 'AuthKeyNotFoundError';
  readonly code = 'ERR_YUBIHSM_AUTH_KEY_NOT_FOUND';
  readonly deviceCode = 0x0b;
  /** `repair` once this key has opened a session: then it was the device that changed. */
  override readonly remedy: Remedy;
  readonly authKeyId: number;

  constructor(authKeyId: number, options: ErrorOptions & { readonly remedy?: Remedy } = {}) {
    const { remedy = 'restart' } = options;
    const id = `0x${authKeyId.toString(16).padStart(4, '0')}`;
    super(
      remedy === 'restart'
        ? `the device has no authentication key ${id}: check the id, and that this is the right device`
        : `the device has no authentication key ${id} any more: it was reset or changed, or it is ` +
            'another one',
      options,
    );
    this.authKeyId = authKeyId;
    this.remedy = remedy;
  }
}

/** Sessions were lost so often that the next one waits: each lost one holds one of the device's 16 for 30 s. */
export class SessionsLostTooOftenError extends YubiHsmError {
  override readonly name = 'SessionsLostTooOftenError';
  readonly code = 'ERR_YUBIHSM_SESSIONS_LOST_TOO_OFTEN';
  override readonly remedy = 'wait';
  readonly waitMs: number;

  constructor(waitMs: number) {
    super(
      `sessions with the device are lost again and again; the next may be opened in ${Math.ceil(waitMs)} ` +
        'ms. Look at the connector, the cable, and who else uses the device',
    );
    this.waitMs = waitMs;
  }
}
