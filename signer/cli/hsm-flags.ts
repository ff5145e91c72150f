/** The flags that say which device, and who asks it. */
import { resolve } from 'node:path';
import type { DeviceAccess } from '@privval/hsm/provisioning/device-session';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseConnectorUrl, parseObjectId } from '../keyring/device-values.ts';
import { UsageError } from './context.ts';

/** Where yubihsm-connector listens unless it is told otherwise. */
export const DEFAULT_CONNECTOR = 'http://127.0.0.1:12345';

/** As the command line has them. */
export interface YubiHsmFlags {
  readonly connector?: string;
  readonly authKey?: number;
  readonly passwordFile?: string;
}

/** As the command line has them. */
export interface HsmFlags extends YubiHsmFlags {
  readonly provider?: 'yubihsm' | 'pkcs11';
  readonly module?: string;
  readonly token?: string;
  readonly pinFile?: string;
  readonly json?: boolean;
}

/** A token of a PKCS#11 module, and its PIN. */
export interface TokenAccess {
  readonly modulePath: string;
  readonly token: string;
  readonly pinFile: string;
}

/** A device, and who asks it. */
export type HsmAccess =
  | { readonly kind: 'yubihsm'; readonly yubihsm: DeviceAccess }
  | { readonly kind: 'pkcs11'; readonly pkcs11: TokenAccess };

/** The flags of a command that works on both kinds of device, and prints data. */
export function withAccess(command: Command): Command {
  return addPkcs11Flags(addYubiHsmFlags(command.addOption(providerOption()), 'yubihsm: ')).option(
    '--json',
    'print JSON',
  );
}

/** The flags of a command that works on a YubiHSM only. */
export function withYubiHsmAccess(command: Command): Command {
  return addYubiHsmFlags(command, '');
}

/** Which device is meant, and whether all of it was said. @throws {UsageError} ERR_USAGE */
export function accessFromFlags(flags: HsmFlags): HsmAccess {
  const { provider = flags.module === undefined ? 'yubihsm' : 'pkcs11' } = flags;
  if (provider === 'yubihsm') {
    refuse(flags, ['module', 'token', 'pinFile'], 'pkcs11');
    return { kind: 'yubihsm', yubihsm: yubiHsmAccess(flags) };
  }
  refuse(flags, ['connector', 'authKey', 'passwordFile'], 'yubihsm');
  const { module, token, pinFile } = flags;
  if (module === undefined || token === undefined || pinFile === undefined) {
    throw new UsageError(
      '--provider pkcs11 needs --module FILE, --token LABEL and --pin-file FILE',
    );
  }
  return { kind: 'pkcs11', pkcs11: { modulePath: resolve(module), token, pinFile } };
}

/** @throws {UsageError} ERR_USAGE */
export function yubiHsmAccess(flags: YubiHsmFlags): DeviceAccess {
  const { connector = DEFAULT_CONNECTOR, authKey, passwordFile } = flags;
  if (authKey === undefined || passwordFile === undefined) {
    throw new UsageError(
      'who asks? Give --auth-key ID and --password-file FILE (after signer hsm setup: 2 operator.password makes keys, 4 validator.password signs)',
    );
  }
  return { connector, authKeyId: authKey, passwordFile };
}

/** A whole number from 1 on. */
export function parseCount(text: string): number {
  const count = /^[0-9]{1,6}$/.test(text) ? Number(text) : 0;
  if (count < 1) throw new InvalidArgumentError('Give a number from 1 to 999999.');
  return count;
}

function providerOption(): Option {
  return new Option('--provider <kind>', 'what kind of device (default: yubihsm)').choices([
    'yubihsm',
    'pkcs11',
  ]);
}

function addYubiHsmFlags(command: Command, prefix: string): Command {
  return command
    .option(
      '--connector <url>',
      `${prefix}its connector (default: ${DEFAULT_CONNECTOR})`,
      parseConnectorUrl,
    )
    .option(
      '--auth-key <id>',
      `${prefix}id of the authentication key, decimal or 0x`,
      parseObjectId,
    )
    .option('--password-file <file>', `${prefix}its password`);
}

function addPkcs11Flags(command: Command): Command {
  return command
    .option('--module <file>', "pkcs11: the vendor's library")
    .option('--token <label>', "pkcs11: the token's label")
    .option('--pin-file <file>', "pkcs11: the user's PIN");
}

/** Flags of the other kind are a mistake, not something to be left out. */
function refuse(flags: HsmFlags, names: readonly (keyof HsmFlags)[], kind: string): void {
  const wrong = names.find((name) => flags[name] !== undefined);
  if (wrong === undefined) return;
  const text = wrong.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new UsageError(`--${text} goes with --provider ${kind}`);
}
