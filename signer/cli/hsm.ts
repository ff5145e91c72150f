/** `signer hsm`: devices, before and beside any home. Their flags and help. */
import { type Command, Option } from 'commander';
import { parseConnectorUrl, parseObjectId, parseSerial } from '../keyring/device-values.ts';
import type { CliContext } from './context.ts';
import { group, onHome } from './home-command.ts';
import { DEFAULT_CONNECTOR, parseCount, withAccess, withYubiHsmAccess } from './hsm-flags.ts';
import { addHsmKeys } from './hsm-keys-program.ts';

/** `signer hsm setup | detect | status | keys | test | audit`. */
export function addHsm(program: Command, context: CliContext): void {
  const hsm = group(program, 'hsm', 'YubiHSM 2 and PKCS#11 devices: setup, keys, backups, logs');
  addSetup(hsm, context);
  addDetect(hsm, context);
  addStatus(hsm, context);
  addHsmKeys(hsm, context);
  addTest(hsm, context);
  addAudit(hsm, context);
}

function addSetup(hsm: Command, context: CliContext): void {
  hsm
    .command('setup')
    .description('yubihsm: make roles and a wrap key on a new device, from a recovery phrase')
    .option('--connector <url>', `its connector (default: ${DEFAULT_CONNECTOR})`, parseConnectorUrl)
    .option('--out <dir>', 'folder for the secrets: a password file for each role, the wrap key')
    .option('--recovery-phrase-file <file>', 'put the phrase there instead of into --out')
    .option('--restore <file>', 'take this phrase instead of a new one, or go on after a failure')
    .option(
      '--reset-device <serial>',
      'first destroy everything on the device of this serial',
      parseSerial,
    )
    .option(
      '--auth-key <id>',
      'how a device opens that is not new (a key that may reset it)',
      parseObjectId,
    )
    .option('--password-file <file>', 'its password')
    .option('--derive-only', 'with --restore: write the secrets of the phrase, touch no device')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Makes authentication keys 1 admin, 2 operator (makes and backs up keys), 3 auditor, 4 validator
(signs; for signer serve) and wrap key 1, as tmkms does and from the same kind of phrase. It makes
no signing key. A device that holds anything is refused unless --reset-device names its serial.
The phrase is everything: write it on paper, then move the file where the signer's machine cannot
read it. The admin's password is the phrase.

Examples:
  A new device:
    signer hsm setup --out device
  A second one that takes the backups of the first:
    signer hsm setup --connector http://127.0.0.1:12346 --restore device/recovery-phrase.txt
  A device that was set up before, anew:
    signer hsm setup --out new --reset-device 0007550140 --auth-key 1 --password-file old/admin.password
  The password files of a phrase, without a device:
    signer hsm setup --restore phrase.txt --out device --derive-only`,
    )
    .action(async (flags) => (await import('./hsm-setup.ts')).runHsmSetup(context, flags));
}

function addDetect(hsm: Command, context: CliContext): void {
  hsm
    .command('detect')
    .description('what is plugged in; needs no password')
    .addOption(
      new Option('--provider <kind>', 'yubihsm, or pkcs11 with --module').choices([
        'yubihsm',
        'pkcs11',
      ]),
    )
    .option(
      '--connector <url>',
      `yubihsm: its connector (default: ${DEFAULT_CONNECTOR})`,
      parseConnectorUrl,
    )
    .option('--module <file>', "pkcs11: the vendor's library")
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Examples:
  signer hsm detect
  signer hsm detect --provider pkcs11 --module /usr/lib/softhsm/libsofthsm2.so --json`,
    )
    .action(async (flags) => (await import('./hsm-detect.ts')).runHsmDetect(context, flags));
}

function addStatus(hsm: Command, context: CliContext): void {
  withAccess(hsm.command('status'))
    .description('a device, its log and options, what the authentication key may do, its keys')
    .addHelpText(
      'after',
      `
Says, too, what is wrong with the device for a validator: the password of the factory, more rights
than signing needs, a log that will fill up.

Examples:
  signer hsm status --auth-key 4 --password-file device/validator.password
  signer hsm status --provider pkcs11 --module /usr/lib/softhsm/libsofthsm2.so --token validator --pin-file pin`,
    )
    .action(async (flags) => (await import('./hsm-status.ts')).runHsmStatus(context, flags));
}

function addTest(hsm: Command, context: CliContext): void {
  withAccess(hsm.command('test <key>'))
    .description('sign check messages with a key, verify them, print how long each took')
    .option('--count <n>', 'how many (default: 10)', parseCount)
    .addHelpText(
      'after',
      `
<key> is the object's id (yubihsm), or the key's label or 0x and its CKA_ID (pkcs11). What is signed
begins with byte 00 and can never be a vote. While signer serve uses the key, and its device logs
signatures, the check shows in the device's log as signatures that nobody asked for: an alarm.

Examples:
  signer hsm test 0x0064 --auth-key 4 --password-file device/validator.password --count 100
  signer hsm test consensus --provider pkcs11 --module /usr/lib/softhsm/libsofthsm2.so --token validator --pin-file pin`,
    )
    .action(async (key, flags) => (await import('./hsm-test.ts')).runHsmTest(context, key, flags));
}

function addAudit(hsm: Command, context: CliContext): void {
  const audit = group(hsm, 'audit', "yubihsm: the devices' logs, as the home keeps them");
  onHome(audit, 'verify', 'look through everything that was drained; also while the home is served')
    .addHelpText(
      'after',
      `
Verifies the chain over the table and each device's own chain, and shows what was found when it was
drained. Rows cut off at the end cannot show: compare the newest hash with the signer's log.
Exit code 1 when anything is wrong.

Examples:
  signer hsm audit verify --home ~/signer --json`,
    )
    .action(async (flags) => (await import('./hsm-audit.ts')).runAuditVerify(context, flags));
  withYubiHsmAccess(onHome(audit, 'drain', "store a device's log in the home, and free it there"))
    .addHelpText(
      'after',
      `
signer serve drains by itself; while it runs, this command is refused.

Examples:
  signer hsm audit drain --home ~/signer --auth-key 3 --password-file device/auditor.password`,
    )
    .action(async (flags) => (await import('./hsm-audit.ts')).runAuditDrain(context, flags));
}
