/** `signer hsm keys generate | list | export | import`. */
import { resolve } from 'node:path';
import { readKeyFile } from '@privval/hsm/file/open-key-file';
import {
  generatePkcs11Key,
  importPkcs11Key,
  listPkcs11Keys,
} from '@privval/hsm/pkcs11/token-administration';
import type { DeviceAccess } from '@privval/hsm/provisioning/device-session';
import {
  type ImportSource,
  importYubiHsmKey,
  readSeedFile,
} from '@privval/hsm/provisioning/import-yubihsm-key';
import { domainsFromText } from '@privval/hsm/provisioning/key-domains';
import { VALIDATOR_DOMAINS, WRAP_KEY } from '@privval/hsm/provisioning/roles';
import type { SpareOptions } from '@privval/hsm/provisioning/spare-device';
import {
  type BackupOptions,
  type BackupOutcome,
  exportYubiHsmKey,
  generateYubiHsmKey,
  listYubiHsmKeys,
} from '@privval/hsm/provisioning/yubihsm-keys';
import type { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { parseObjectId } from '../keyring/device-values.ts';
import { objectIdText } from '../keyring/provider-options.ts';
import { type CliContext, printJson, UsageError } from './context.ts';
import { accessFromFlags, type HsmFlags, type TokenAccess } from './hsm-flags.ts';
import {
  deviceKeyJson,
  printDeviceKeys,
  printTokenKeys,
  publicKeyNames,
  tokenKeyJson,
} from './hsm-key-rows.ts';

/** Said whenever a second device holds a key. */
const TWO_DEVICES =
  'Two devices hold this key now. Keep the second one unplugged, where no running signer reaches it:\ntwo signers with one key sign twice, and the validator is punished for it.';

/** As the command line has them. */
export interface BackupFlags {
  readonly wrapKey?: number;
  readonly backupConnector?: string;
  readonly backupAuthKey?: number;
  readonly backupPasswordFile?: string;
  readonly backupWrapKey?: number;
  readonly backupTestAuthKey?: number;
  readonly backupTestPasswordFile?: string;
}

/** As the command line has them. */
export interface HsmKeysGenerateFlags extends HsmFlags, BackupFlags {
  readonly label?: string;
  readonly domains?: string;
  readonly nonExportable?: boolean;
  readonly attestation?: string;
  readonly backup?: string;
}

/** Lists the keys that can be seen. */
export async function runHsmKeysList(context: CliContext, flags: HsmFlags): Promise<void> {
  const access = accessFromFlags(flags);
  if (access.kind === 'pkcs11') {
    const keys = await listPkcs11Keys(context, access.pkcs11);
    if (flags.json === true) printJson(context, keys.map(tokenKeyJson));
    else printTokenKeys(context, keys);
    return;
  }
  const { keys } = await listYubiHsmKeys(context, access.yubihsm);
  if (flags.json === true) printJson(context, keys.map(deviceKeyJson));
  else printDeviceKeys(context, keys);
}

/** Has a device make a key. */
export async function runHsmKeysGenerate(
  context: CliContext,
  idText: string | undefined,
  flags: HsmKeysGenerateFlags,
): Promise<void> {
  const access = accessFromFlags(flags);
  const id = idText === undefined ? undefined : parseObjectId(idText);
  if (access.kind === 'pkcs11') return generateInToken(context, access.pkcs11, { ...flags, id });
  const { label, domains, nonExportable = false, attestation: attestationFile, json } = flags;
  const backup = backupFromFlags(flags.backup, flags);
  if (backup !== undefined && nonExportable) {
    throw new UsageError(
      '--non-exportable means that there is never a backup: leave one of them out',
    );
  }
  const made = await generateYubiHsmKey(context, {
    ...access.yubihsm,
    id,
    label: label ?? `consensus:${new Date(context.clock.now()).toISOString().slice(0, 19)}Z`,
    domains: domains === undefined ? VALIDATOR_DOMAINS : domainsFromText(domains),
    isExportable: !nonExportable,
    backup,
    attestationFile: attestationFile === undefined ? undefined : resolve(attestationFile),
  });
  const { serial, key, attestation } = made;
  if (json === true) {
    const attested =
      attestation.kind === 'none'
        ? { attested: false, reason: attestation.reason }
        : {
            attested: true,
            isSignedByDevice: attestation.isSignedByDevice,
            pem: attestation.chain,
          };
    printJson(context, {
      serial,
      key: deviceKeyJson(key),
      attestation: attested,
      backup: made.backup ?? null,
    });
  } else {
    const { publicKey, address } = publicKeyNames(made.publicKey);
    context.print(`key          ${objectIdText(key.info.id)} on device ${serial}`);
    context.print(`public key   ${JSON.stringify(publicKey)}`);
    context.print(`address      ${address}`);
    context.print(`attestation  ${attestationText(made.attestation)}`);
    printBackup(context, made.backup);
  }
  noteBackup(context, made.backup, { isExportable: key.isExportable });
}

/** As the command line has them. */
export interface HsmKeysExportFlags extends HsmFlags, BackupFlags {
  readonly objectId: number;
}

/** Writes a backup. */
export async function runHsmKeysExport(
  context: CliContext,
  file: string,
  flags: HsmKeysExportFlags,
): Promise<void> {
  const backup = backupFromFlags(file, flags);
  if (backup === undefined) throw new UsageError('which file?');
  const {
    serial,
    key,
    backup: made,
  } = await exportYubiHsmKey(context, {
    ...onlyYubiHsm(flags, 'a PKCS#11 token gives keys out to nobody'),
    ...backup,
    id: flags.objectId,
  });
  if (flags.json === true) printJson(context, { serial, key: deviceKeyJson(key), backup: made });
  else printBackup(context, made);
  noteBackup(context, made, { isExportable: true });
}

/** As the command line has them. */
export interface HsmKeysImportFlags extends HsmFlags {
  readonly type?: 'wrap' | 'json' | 'base64';
  readonly objectId?: number;
  readonly label?: string;
  readonly domains?: string;
  readonly nonExportable?: boolean;
  readonly wrapKey?: number;
  readonly passphraseFile?: string;
}

/** Brings a key in. */
export async function runHsmKeysImport(
  context: CliContext,
  file: string,
  flags: HsmKeysImportFlags,
): Promise<void> {
  const access = accessFromFlags(flags);
  const { type = file.endsWith('.json') ? 'json' : 'wrap', json } = flags;
  if (access.kind === 'pkcs11') {
    await importIntoToken(context, access.pkcs11, { ...flags, file, type });
  } else {
    const source = sourceFromFlags(type, flags);
    const { serial, key } = await importYubiHsmKey(context, { ...access.yubihsm, file, source });
    if (json === true) printJson(context, { serial, key: deviceKeyJson(key) });
    else {
      context.print(`imported into device ${serial}:`);
      printDeviceKeys(context, [key]);
    }
  }
  context.note(
    'This key exists in two places now. Whatever signed with it must never run again: two signers\nwith one key sign twice, and the validator is punished for it. Into a home the key comes with\nwhat it has signed: signer init … --state-file FILE or --floor-height N.',
  );
}

function sourceFromFlags(
  type: 'wrap' | 'json' | 'base64',
  flags: HsmKeysImportFlags,
): ImportSource {
  const { objectId, label, domains, nonExportable, wrapKey, passphraseFile } = flags;
  if (type === 'wrap') {
    const own = [objectId, label, domains, nonExportable].some((flag) => flag !== undefined);
    if (own || passphraseFile !== undefined) {
      throw new UsageError(
        'a backup keeps its own id, label, domains and rights: -i, --label, --domains, --non-exportable and --passphrase-file go with -t json or base64',
      );
    }
    return { kind: 'wrap', wrapKeyId: wrapKey ?? WRAP_KEY.id };
  }
  if (wrapKey !== undefined) throw new UsageError('--wrap-key goes with -t wrap');
  const as = {
    id: objectId,
    label: label ?? '',
    domains: domains === undefined ? VALIDATOR_DOMAINS : domainsFromText(domains),
    isExportable: nonExportable !== true,
  };
  if (type === 'json') return { kind: 'json', passphraseFile, as };
  if (passphraseFile !== undefined) throw new UsageError('--passphrase-file goes with -t json');
  return { kind: 'base64', as };
}

/** @throws {UsageError} ERR_USAGE */
function backupFromFlags(file: string | undefined, flags: BackupFlags): BackupOptions | undefined {
  const spare = spareFromFlags(flags);
  const { wrapKey: wrapKeyId = WRAP_KEY.id } = flags;
  if (file !== undefined) return { file: resolve(file), wrapKeyId, spare };
  if (spare !== undefined || flags.wrapKey !== undefined) {
    throw new UsageError('which backup? Give --backup FILE');
  }
  return undefined;
}

/** @throws {UsageError} ERR_USAGE */
function spareFromFlags(flags: BackupFlags): SpareOptions | undefined {
  const { backupConnector, backupAuthKey, backupPasswordFile, backupWrapKey } = flags;
  const { backupTestAuthKey, backupTestPasswordFile, wrapKey = WRAP_KEY.id } = flags;
  const wanted = [backupConnector, backupAuthKey, backupPasswordFile];
  const others = [backupWrapKey, backupTestAuthKey, backupTestPasswordFile];
  if ([...wanted, ...others].every((flag) => flag === undefined)) return undefined;
  if (
    backupConnector === undefined ||
    backupAuthKey === undefined ||
    backupPasswordFile === undefined
  ) {
    throw new UsageError(
      'the second device needs --backup-connector, --backup-auth-key and --backup-password-file',
    );
  }
  if ((backupTestAuthKey === undefined) !== (backupTestPasswordFile === undefined)) {
    throw new UsageError('--backup-test-auth-key and --backup-test-password-file belong together');
  }
  const signer =
    backupTestAuthKey === undefined || backupTestPasswordFile === undefined
      ? undefined
      : { authKeyId: backupTestAuthKey, passwordFile: backupTestPasswordFile };
  return {
    connector: backupConnector,
    authKeyId: backupAuthKey,
    passwordFile: backupPasswordFile,
    signer,
    wrapKeyId: backupWrapKey ?? wrapKey,
  };
}

async function generateInToken(
  context: CliContext,
  access: TokenAccess,
  flags: HsmKeysGenerateFlags & { readonly id: number | undefined },
): Promise<void> {
  const { label, id, json, ...others } = flags;
  const { domains, nonExportable, attestation, backup } = others;
  const wrong = [domains, nonExportable, attestation, backup].some((flag) => flag !== undefined);
  if (wrong || backupFromFlags(undefined, flags) !== undefined) {
    throw new UsageError(
      'a key in a PKCS#11 token has no domains, attestation or backup: those flags go with --provider yubihsm',
    );
  }
  if (label === undefined) throw new UsageError('what is the key called? Give --label TEXT');
  const key = await generatePkcs11Key(context, { ...access, label, id });
  if (json === true) printJson(context, tokenKeyJson(key));
  else printTokenKeys(context, [key]);
  context.note('There is no backup of this key: the token gives it out to nobody.');
}

async function importIntoToken(
  context: CliContext,
  access: TokenAccess,
  flags: HsmKeysImportFlags & { readonly file: string; readonly type: string },
): Promise<void> {
  const { file, type, label, objectId: id, domains, nonExportable, wrapKey, json } = flags;
  if (type === 'wrap') {
    throw new UsageError('a PKCS#11 token takes a key file: -t json, or base64 for a bare seed');
  }
  if ([domains, nonExportable, wrapKey].some((flag) => flag !== undefined)) {
    throw new UsageError('--domains, --non-exportable and --wrap-key go with --provider yubihsm');
  }
  if (label === undefined) throw new UsageError('what is the key called? Give --label TEXT');
  using secret = await readSecret(file, type, flags.passphraseFile);
  const key = await importPkcs11Key(context, { ...access, label, id, secret });
  if (json === true) printJson(context, tokenKeyJson(key));
  else printTokenKeys(context, [key]);
}

async function readSecret(
  file: string,
  type: string,
  passphraseFile: string | undefined,
): Promise<Ed25519SecretKey> {
  if (type === 'base64') return readSeedFile(file);
  return (await readKeyFile(file, { passphraseFile })).secret;
}

function onlyYubiHsm(flags: HsmFlags, why: string): DeviceAccess {
  const access = accessFromFlags(flags);
  if (access.kind === 'pkcs11') throw new UsageError(`${why}: this command is for a YubiHSM`);
  return access.yubihsm;
}

function printBackup(context: CliContext, backup: BackupOutcome | undefined): void {
  if (backup === undefined) return;
  const { file, verifiedOn } = backup;
  context.print(
    `backup       ${file}, ${verifiedOn === undefined ? 'not verified' : `verified on device ${verifiedOn}`}`,
  );
}

function noteBackup(
  context: CliContext,
  backup: BackupOutcome | undefined,
  { isExportable }: { readonly isExportable: boolean },
): void {
  if (backup?.verifiedOn !== undefined) context.note(TWO_DEVICES);
  else if (backup !== undefined) {
    context.note(
      'This backup was not verified: nobody knows whether it is good before it was restored on a second\ndevice. Give one with --backup-connector.',
    );
  } else if (isExportable) {
    context.note(
      'There is no backup of this key yet: signer hsm keys export makes one. Lost with the device, it is lost.',
    );
  } else
    context.note('There will never be a backup of this key: lost with the device, it is lost.');
}

function attestationText(
  attestation: Awaited<ReturnType<typeof generateYubiHsmKey>>['attestation'],
): string {
  if (attestation.kind === 'none') return `none (${attestation.reason})`;
  return attestation.isSignedByDevice
    ? "the device states that it made this key; signed by the device's own certificate"
    : 'the device states that it made this key; its own certificate does not show that it said so';
}
