/** `signer hsm setup`. */
import { randomUUID } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { DeviceSecrets } from '@privval/hsm/provisioning/device-secrets';
import { ROLE_NAMES, ROLES, WRAP_KEY } from '@privval/hsm/provisioning/roles';
import {
  PHRASE_FILE,
  passwordFile,
  type SecretPlaces,
  writeSecrets,
} from '@privval/hsm/provisioning/secret-folder';
import { type SetupOutcome, setUpDevice } from '@privval/hsm/provisioning/setup-device';
import { type CliContext, printJson, printTable, UsageError } from './context.ts';
import { DEFAULT_CONNECTOR } from './hsm-flags.ts';
import { VERSION } from './release.ts';

/** As the command line has them. */
export interface HsmSetupFlags {
  readonly connector?: string;
  readonly out?: string;
  readonly recoveryPhraseFile?: string;
  readonly restore?: string;
  readonly resetDevice?: string;
  readonly authKey?: number;
  readonly passwordFile?: string;
  readonly deriveOnly?: boolean;
  readonly json?: boolean;
}

/** Sets a YubiHSM up, or writes down what a phrase gives. */
export async function runHsmSetup(context: CliContext, flags: HsmSetupFlags): Promise<void> {
  const places = placesFromFlags(flags);
  if (flags.deriveOnly === true) return deriveOnly(context, flags, places);
  const { connector = DEFAULT_CONNECTOR, restore, resetDevice, json } = flags;
  const outcome = await setUpDevice(context, {
    connector,
    access: accessFromFlags(flags),
    restoreFile: restore,
    places,
    resetSerial: resetDevice,
    report: {
      uuid: randomUUID(),
      hostname: hostname(),
      username: userInfo().username,
      software: `privval ${VERSION}`,
    },
    onProgress: (text) => context.note(text),
  });
  if (json === true) printJson(context, outcomeJson(outcome, flags));
  else printOutcome(context, outcome, flags);
}

/** At least one place for what would be lost otherwise. @throws {UsageError} ERR_USAGE */
function placesFromFlags(flags: HsmSetupFlags): SecretPlaces {
  const { out, recoveryPhraseFile, restore } = flags;
  const folder = out === undefined ? undefined : resolve(out);
  if (restore !== undefined) {
    if (recoveryPhraseFile !== undefined) {
      throw new UsageError('--restore has the phrase already: leave out --recovery-phrase-file');
    }
    return { folder, phrase: { kind: 'kept' } };
  }
  if (recoveryPhraseFile !== undefined) {
    return { folder, phrase: { kind: 'file', path: resolve(recoveryPhraseFile) } };
  }
  if (folder === undefined) {
    throw new UsageError(
      'where do the secrets go? Give --out DIR, --recovery-phrase-file FILE, or both',
    );
  }
  return { folder, phrase: { kind: 'folder' } };
}

/** @throws {UsageError} ERR_USAGE */
function accessFromFlags({
  authKey,
  passwordFile: file,
}: HsmSetupFlags): { readonly authKeyId: number; readonly passwordFile: string } | undefined {
  if (authKey === undefined && file === undefined) return undefined;
  if (authKey === undefined || file === undefined) {
    throw new UsageError('--auth-key and --password-file belong together');
  }
  return { authKeyId: authKey, passwordFile: file };
}

function deriveOnly(context: CliContext, flags: HsmSetupFlags, places: SecretPlaces): void {
  const { restore, out, resetDevice, json } = flags;
  if (restore === undefined || out === undefined) {
    throw new UsageError('--derive-only needs --restore FILE and --out DIR');
  }
  if (resetDevice !== undefined) {
    throw new UsageError('--derive-only touches no device: leave out --reset-device');
  }
  using secrets = DeviceSecrets.fromPhraseFile(restore);
  const files = writeSecrets(secrets, places);
  if (json === true) printJson(context, { files });
  else for (const file of files) context.print(`wrote ${file}`);
}

/** Where the password of each role is; the admin's is the phrase. */
function passwordFiles({ out, recoveryPhraseFile, restore }: HsmSetupFlags): readonly string[] {
  const phrase = recoveryPhraseFile ?? restore;
  return ROLE_NAMES.map((role) => {
    if (role === 'admin' && phrase !== undefined) return resolve(phrase);
    return out === undefined
      ? 'not written: it follows from the phrase'
      : resolve(out, passwordFile(role));
  });
}

function outcomeJson(outcome: SetupOutcome, flags: HsmSetupFlags): unknown {
  const { serial, firmware, files, wasReset } = outcome;
  const passwords = passwordFiles(flags);
  return {
    serial,
    firmware: `${firmware.major}.${firmware.minor}.${firmware.patch}`,
    wasReset,
    files,
    roles: ROLE_NAMES.map((role, at) => ({
      role,
      authKeyId: ROLES[role].authKeyId,
      passwordFile: passwords[at],
    })),
    wrapKeyId: WRAP_KEY.id,
  };
}

function printOutcome(context: CliContext, { serial }: SetupOutcome, flags: HsmSetupFlags): void {
  const passwords = passwordFiles(flags);
  const { connector = DEFAULT_CONNECTOR, out } = flags;
  context.print(`device ${serial} is set up\n`);
  printTable(
    context,
    ['KEY', 'ROLE', 'PASSWORD', 'MAY'],
    ROLE_NAMES.map((role, at) => {
      const { authKeyId, purpose } = ROLES[role];
      return [String(authKeyId), role, passwords[at] ?? '', purpose];
    }),
  );
  const phrase = flags.recoveryPhraseFile ?? flags.restore ?? join(out ?? '', PHRASE_FILE);
  context.print(
    `\nThe phrase in ${phrase} gives all of this again, on this device or another: write it on paper,\nthen take the file, and the admin's password, off this machine.`,
  );
  if (out === undefined) return;
  context.print(
    `\nThen: signer init --home DIR --chain-id ID --node ADDR --provider yubihsm --connector ${connector} \\\n  --auth-key ${ROLES.validator.authKeyId} --password-file ${join(out, passwordFile('validator'))} --generate \\\n  --setup-auth-key ${ROLES.operator.authKeyId} --setup-password-file ${join(out, passwordFile('operator'))}`,
  );
}
