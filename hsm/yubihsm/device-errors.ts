/** What a device answers instead of a reply: one class for each of its error codes. */
import { YubiHsmError } from './yubihsm-error.ts';

/** Base of the errors a device reports. */
export abstract class DeviceError extends YubiHsmError {
  /** The byte the device sent. */
  abstract readonly deviceCode: number;
  /** The vendor's name of the command: `SignEddsa`. */
  readonly command: string;

  constructor(command: string, text: string, options?: ErrorOptions) {
    super(`${command}: the device answers ${text}`, options);
    this.command = command;
  }
}

/** 01: the firmware does not have this command, or not in this state. */
export class InvalidCommandError extends DeviceError {
  override readonly name = 'InvalidCommandError';
  readonly code = 'ERR_YUBIHSM_INVALID_COMMAND';
  readonly deviceCode = 0x01;

  constructor(command: string) {
    super(command, '"invalid command": its firmware does not have it; compare its version');
  }
}

/** 02: the data make no sense to the device, or (old firmware) a capability is missing. */
export class InvalidDataError extends DeviceError {
  override readonly name = 'InvalidDataError';
  readonly code = 'ERR_YUBIHSM_INVALID_DATA';
  readonly deviceCode = 0x02;

  constructor(command: string) {
    super(
      command,
      '"invalid data": a value it does not take, a wrapped object that another wrap key made, or ' +
        '(firmware before 2.5) a key without the capability',
    );
  }
}

/** 03: the session is gone: idle for 30 seconds, closed, or the device was restarted. */
export class InvalidSessionError extends DeviceError {
  override readonly name = 'InvalidSessionError';
  readonly code = 'ERR_YUBIHSM_INVALID_SESSION';
  readonly deviceCode = 0x03;
  override readonly remedy = 'wait';

  constructor(command: string) {
    super(command, '"invalid session": it has ended; the next command opens another');
  }
}

/** 04: a MAC or a cryptogram that the device does not agree with. */
export class AuthenticationFailedError extends DeviceError {
  override readonly name = 'AuthenticationFailedError';
  readonly code = 'ERR_YUBIHSM_AUTHENTICATION_FAILED';
  readonly deviceCode = 0x04;
  override readonly remedy = 'wait';

  constructor(command: string) {
    super(command, '"authentication failed": the message is not of a session it knows');
  }
}

/** 05: all 16 sessions are in use. */
export class SessionsFullError extends DeviceError {
  override readonly name = 'SessionsFullError';
  readonly code = 'ERR_YUBIHSM_SESSIONS_FULL';
  readonly deviceCode = 0x05;
  override readonly remedy = 'wait';

  constructor(command: string) {
    super(
      command,
      '"sessions full": all 16 are in use. They end after 30 seconds without use; if they do not, ' +
        'find the program that leaves its sessions open',
    );
  }
}

/** 06: the session could not be made. */
export class SessionFailedError extends DeviceError {
  override readonly name = 'SessionFailedError';
  readonly code = 'ERR_YUBIHSM_SESSION_FAILED';
  readonly deviceCode = 0x06;
  override readonly remedy = 'wait';

  constructor(command: string) {
    super(command, '"session failed"; if it goes on, unplug it and plug it in again');
  }
}

/** 07: no room, or its memory is worn out. */
export class StorageFailedError extends DeviceError {
  override readonly name = 'StorageFailedError';
  readonly code = 'ERR_YUBIHSM_STORAGE_FAILED';
  readonly deviceCode = 0x07;

  constructor(command: string) {
    super(command, '"storage failed": it is full; delete objects (GetStorageInfo shows the room)');
  }
}

/** 08: data of a length the command does not take. */
export class WrongLengthError extends DeviceError {
  override readonly name = 'WrongLengthError';
  readonly code = 'ERR_YUBIHSM_WRONG_LENGTH';
  readonly deviceCode = 0x08;

  constructor(command: string) {
    super(command, '"wrong length": the data do not have the length this command needs');
  }
}

/** 09: a capability is missing: of the authentication key, the object, or the wrap key's delegation. */
export class InsufficientPermissionsError extends DeviceError {
  override readonly name = 'InsufficientPermissionsError';
  readonly code = 'ERR_YUBIHSM_INSUFFICIENT_PERMISSIONS';
  readonly deviceCode = 0x09;

  constructor(command: string) {
    super(
      command,
      '"insufficient permissions": the authentication key, or the object, lacks a capability for ' +
        'this; GetObjectInfo shows which each has',
    );
  }
}

/** 0a: its log is full and force-audit is on: nothing but reading the log works. */
export class LogFullError extends DeviceError {
  override readonly name = 'LogFullError';
  readonly code = 'ERR_YUBIHSM_LOG_FULL';
  readonly deviceCode = 0x0a;

  constructor(command: string) {
    super(
      command,
      '"log full": force-audit is on, and its 62 entries must be read (GetLogEntries) and released ' +
        '(SetLogIndex) first',
    );
  }
}

/** 0b: no such object, or none in the domains of the authentication key. */
export class ObjectNotFoundError extends DeviceError {
  override readonly name = 'ObjectNotFoundError';
  readonly code = 'ERR_YUBIHSM_OBJECT_NOT_FOUND';
  readonly deviceCode = 0x0b;

  constructor(command: string) {
    super(
      command,
      '"object not found": there is none with this id and type in the domains of the ' +
        'authentication key',
    );
  }
}

/** 0c: an id that cannot be used here. */
export class InvalidIdError extends DeviceError {
  override readonly name = 'InvalidIdError';
  readonly code = 'ERR_YUBIHSM_INVALID_ID';
  readonly deviceCode = 0x0c;

  constructor(command: string) {
    super(
      command,
      '"invalid id": an id that is reserved, or (changing an authentication key) not the one of ' +
        'this session',
    );
  }
}

/** 0e: an SSH certificate request outside of its template. */
export class SshCaConstraintViolationError extends DeviceError {
  override readonly name = 'SshCaConstraintViolationError';
  readonly code = 'ERR_YUBIHSM_SSH_CA_CONSTRAINT_VIOLATION';
  readonly deviceCode = 0x0e;

  constructor(command: string) {
    super(command, '"SSH CA constraint violation": the request is outside of the template');
  }
}

/** 0f: a one-time password that does not decrypt. */
export class InvalidOtpError extends DeviceError {
  override readonly name = 'InvalidOtpError';
  readonly code = 'ERR_YUBIHSM_INVALID_OTP';
  readonly deviceCode = 0x0f;

  constructor(command: string) {
    super(command, '"invalid OTP": it was made with another key');
  }
}

/** 10: the device is in demo mode. */
export class DemoModeError extends DeviceError {
  override readonly name = 'DemoModeError';
  readonly code = 'ERR_YUBIHSM_DEMO_MODE';
  readonly deviceCode = 0x10;

  constructor(command: string) {
    super(command, '"demo mode": unplug it and plug it in again');
  }
}

/** 11: an object of this type and id is there already; nothing is overwritten. */
export class ObjectExistsError extends DeviceError {
  override readonly name = 'ObjectExistsError';
  readonly code = 'ERR_YUBIHSM_OBJECT_EXISTS';
  readonly deviceCode = 0x11;

  constructor(command: string) {
    super(command, '"object exists": choose another id, or delete the object that has this one');
  }
}

/** 12: the algorithm is switched off, as FIPS mode does. */
export class AlgorithmDisabledError extends DeviceError {
  override readonly name = 'AlgorithmDisabledError';
  readonly code = 'ERR_YUBIHSM_ALGORITHM_DISABLED';
  readonly deviceCode = 0x12;

  constructor(command: string) {
    super(command, '"algorithm disabled": switch it on with SetOption (not in FIPS mode)');
  }
}

/** ff: the command was not carried out. */
export class CommandUnexecutedError extends DeviceError {
  override readonly name = 'CommandUnexecutedError';
  readonly code = 'ERR_YUBIHSM_COMMAND_UNEXECUTED';
  readonly deviceCode = 0xff;
  override readonly remedy = 'wait';

  constructor(command: string) {
    super(command, '"command unexecuted"; ask again');
  }
}

/** A code that is in no table known here: a newer firmware's. */
export class UnknownDeviceError extends DeviceError {
  override readonly name = 'UnknownDeviceError';
  readonly code = 'ERR_YUBIHSM_UNKNOWN_DEVICE_ERROR';
  readonly deviceCode: number;

  constructor(command: string, deviceCode: number) {
    super(
      command,
      `error 0x${deviceCode.toString(16).padStart(2, '0')}, which is not known here; look it up in ` +
        "the vendor's documentation of its firmware",
    );
    this.deviceCode = deviceCode;
  }
}

const BY_CODE: ReadonlyMap<number, new (command: string) => DeviceError> = new Map<
  number,
  new (
    command: string,
  ) => DeviceError
>([
  [0x01, InvalidCommandError],
  [0x02, InvalidDataError],
  [0x03, InvalidSessionError],
  [0x04, AuthenticationFailedError],
  [0x05, SessionsFullError],
  [0x06, SessionFailedError],
  [0x07, StorageFailedError],
  [0x08, WrongLengthError],
  [0x09, InsufficientPermissionsError],
  [0x0a, LogFullError],
  [0x0b, ObjectNotFoundError],
  [0x0c, InvalidIdError],
  [0x0e, SshCaConstraintViolationError],
  [0x0f, InvalidOtpError],
  [0x10, DemoModeError],
  [0x11, ObjectExistsError],
  [0x12, AlgorithmDisabledError],
  [0xff, CommandUnexecutedError],
]);

/** The error for a device's code; `command` is the vendor's name of what was asked. */
export function deviceError(command: string, deviceCode: number): DeviceError {
  const known = BY_CODE.get(deviceCode);
  return known === undefined ? new UnknownDeviceError(command, deviceCode) : new known(command);
}
