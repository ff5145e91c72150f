/** Commands about the device's options, and what their values mean. */
import type { Command } from './command.ts';
import { commandCode, commandName } from './command-code.ts';
import { InvalidRequestError } from './invalid-request-error.ts';
import { makeCommand, readNothing, readRest } from './make-command.ts';
import type { ReplyReader } from './reply-reader.ts';
import { joinBytes, uint8, uint16 } from './wire-bytes.ts';

const OPTION_CODES = {
  'force-audit': 0x01,
  'command-audit': 0x03,
  'algorithm-toggle': 0x04,
  'fips-mode': 0x05,
} as const;

/** An option of the device. */
export type DeviceOption = keyof typeof OPTION_CODES;

const AUDIT_CODES = { off: 0, on: 1, fixed: 2 } as const;

/** `fixed` is `on` until a factory reset. */
export type AuditSetting = keyof typeof AUDIT_CODES;

const AUDIT_SETTINGS: readonly AuditSetting[] = ['off', 'on', 'fixed'];

/** Whether one command is logged. */
export interface CommandAudit {
  /** 0x01 to 0x7f. */
  readonly code: number;
  readonly setting: AuditSetting;
}

/** Sets an option to raw bytes. Needs set-option. @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST */
export function setOption(option: DeviceOption, value: Uint8Array): Command<void> {
  const data = joinBytes(Uint8Array.of(OPTION_CODES[option]), uint16('value', value.length), value);
  return makeCommand('SetOption', data, readNothing);
}

/** The raw bytes of an option. Needs get-option. */
export function getOption(option: DeviceOption): Command<Uint8Array> {
  return makeCommand('GetOption', Uint8Array.of(OPTION_CODES[option]), readRest);
}

/**
 * With force-audit, a full log stops every command that would be logged: whoever turns it on drains the
 * log from then on. Needs set-option.
 */
export function setForceAudit(setting: AuditSetting): Command<void> {
  return setOption('force-audit', Uint8Array.of(AUDIT_CODES[setting]));
}

/** Whether a full log stops the device. Needs get-option. */
export function getForceAudit(): Command<AuditSetting> {
  return makeCommand('GetOption', Uint8Array.of(OPTION_CODES['force-audit']), readSetting);
}

/**
 * Sets which commands are logged; those that are not named stay as they are. Needs set-option.
 *
 * @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST also for SessionMessage: old firmware locks
 *   itself up with a log that cannot be read any more.
 */
export function setCommandAudit(audits: readonly CommandAudit[]): Command<void> {
  const pairs = audits.map(({ code, setting }) => {
    if (code === commandCode('SessionMessage') && setting !== 'off') {
      throw new InvalidRequestError(
        'audits',
        'logging SessionMessage can lock a device up for good',
      );
    }
    return joinBytes(uint8('code', code), Uint8Array.of(AUDIT_CODES[setting]));
  });
  return setOption('command-audit', joinBytes(...pairs));
}

/** Which commands are logged: all of them, with their names. Needs get-option. */
export function getCommandAudit(): Command<readonly (CommandAudit & { readonly name: string })[]> {
  const data = Uint8Array.of(OPTION_CODES['command-audit']);
  return makeCommand('GetOption', data, (reader) => {
    const audits: (CommandAudit & { readonly name: string })[] = [];
    while (reader.left > 0) {
      const code = reader.uint8();
      audits.push({ code, name: commandName(code), setting: readSetting(reader) });
    }
    return audits;
  });
}

function readSetting(reader: ReplyReader): AuditSetting {
  const value = reader.uint8();
  return AUDIT_SETTINGS[value] ?? reader.fail(`${value} is no audit setting`);
}
