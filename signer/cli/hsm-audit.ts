/** `signer hsm audit verify | drain`. */
import { resolve } from 'node:path';
import { withDeviceLog } from '@privval/hsm/provisioning/device-log-access';
import { hexFromBytes } from '@privval/proto/runtime/bytes';
import { CodedError } from '@privval/proto/runtime/coded-error';
import { DeviceLog } from '../audit/device-log.ts';
import { openDeviceLog } from '../audit/open-device-log.ts';
import { storeReading } from '../audit/store-reading.ts';
import { type DeviceLogReport, verifyDeviceLog } from '../audit/verify-device-log.ts';
import { acquireHomeLock, type HomeLock } from '../guard/home-lock.ts';
import { HomeLockedError } from '../guard/sign-state-errors.ts';
import { checkHome } from '../home/check-home.ts';
import { homePaths } from '../home/home-paths.ts';
import { type CliContext, type HomeFlags, printJson, printTable } from './context.ts';
import { type YubiHsmFlags, yubiHsmAccess } from './hsm-flags.ts';

/** What shows only when a log is held against what a signer asked for. */
const SIGNATURE_CODES: ReadonlySet<string> = new Set([
  'ERR_DEVICE_SIGNATURE_EXTRA',
  'ERR_DEVICE_SIGNATURE_MISSING',
]);

/** Another command is gone after this long; a daemon is not. */
const LOCK_WAIT_MS = 1_000;

/** Something is wrong in the home's device logs. */
export class DeviceLogSuspectError extends CodedError {
  override readonly name = 'DeviceLogSuspectError';
  readonly code = 'ERR_DEVICE_LOG_SUSPECT';

  constructor(count: number) {
    super(`${count} places in the device logs have to be looked at`);
  }
}

/** Looks through everything that was drained. @throws {DeviceLogSuspectError} ERR_DEVICE_LOG_SUSPECT */
export async function runAuditVerify(context: CliContext, flags: HomeFlags): Promise<void> {
  const home = resolve(flags.home);
  checkHome(home);
  await using log = DeviceLog.read(homePaths(home).deviceLog);
  const report = verifyDeviceLog(log);
  if (flags.json === true) printJson(context, reportJson(report));
  else printReport(context, report);
  const wrong = report.tampered.length + report.breaks.length + signatureNotes(report).length;
  if (wrong > 0) throw new DeviceLogSuspectError(wrong);
}

/** As the command line has them. */
export interface AuditDrainFlags extends HomeFlags, YubiHsmFlags {}

/** Stores a device's log in the home and frees it on the device. @throws {HomeLockedError} ERR_HOME_LOCKED */
export async function runAuditDrain(context: CliContext, flags: AuditDrainFlags): Promise<void> {
  const home = resolve(flags.home);
  const access = yubiHsmAccess(flags);
  checkHome(home);
  await using _lock = await lockHome(context, home);
  await using log = openDeviceLog(context, home);
  const drained = await withDeviceLog(context, access, async (device) => {
    const { serial } = await device.logUse();
    const reading = await device.readLog();
    const stored = storeReading(log, { serial, reading, timeMs: context.clock.now() });
    if (stored.freeUpTo !== undefined) await device.freeLog(stored.freeUpTo);
    return { serial, ...stored, unlogged: unloggedOf(reading) };
  });
  const { serial, stored, findings, unlogged } = drained;
  const newestHash = hexFromBytes(log.newestHash);
  if (flags.json === true)
    printJson(context, { serial, stored, findings, ...unlogged, newestHash });
  else context.print(`stored ${stored} entries of device ${serial}; newest hash ${newestHash}`);
  for (const { code, text } of findings) context.note(`warning: ${text} (${code})`);
  if (unlogged.unloggedBoots + unlogged.unloggedAuthentications > 0) {
    context.note(
      `warning: while its log was full, the device was started ${unlogged.unloggedBoots} times and opened ${unlogged.unloggedAuthentications} sessions without an entry`,
    );
  }
}

/** @throws {HomeLockedError} ERR_HOME_LOCKED */
async function lockHome(context: CliContext, home: string): Promise<HomeLock> {
  const { clock } = context;
  try {
    return await acquireHomeLock(homePaths(home).lock, {
      clock,
      waitMs: LOCK_WAIT_MS,
      command: 'signer hsm audit drain',
    });
  } catch (error) {
    if (error instanceof HomeLockedError) {
      context.note('signer serve drains the logs of its devices by itself, at half full.');
    }
    throw error;
  }
}

function unloggedOf(reading: {
  readonly unloggedBoots: number;
  readonly unloggedAuthentications: number;
}): { readonly unloggedBoots: number; readonly unloggedAuthentications: number } {
  const { unloggedBoots, unloggedAuthentications } = reading;
  return { unloggedBoots, unloggedAuthentications };
}

/** Gaps and broken digests are found again; what was counted is not. */
function signatureNotes({ noted }: DeviceLogReport): DeviceLogReport['noted'] {
  return noted.filter(({ code }) => SIGNATURE_CODES.has(code));
}

function reportJson(report: DeviceLogReport): unknown {
  const { entries, devices, newestHash, tampered, breaks, noted } = report;
  return {
    entries,
    devices: Object.fromEntries(devices),
    newestHash: hexFromBytes(newestHash),
    tampered,
    breaks,
    noted: noted.map((note) => ({ ...note, time: new Date(note.timeMs).toISOString() })),
  };
}

function printReport(context: CliContext, report: DeviceLogReport): void {
  const { entries, devices, newestHash, tampered, breaks } = report;
  context.print(`${entries} entries; newest hash ${hexFromBytes(newestHash)}\n`);
  printTable(
    context,
    ['DEVICE', 'ENTRIES'],
    [...devices].map(([serial, count]) => [serial, String(count)]),
  );
  const lines = [
    ...tampered.map(({ text, code }) => `the table was changed: ${text} (${code})`),
    ...breaks.map(({ seq, text, code }) => `at entry ${seq}: ${text} (${code})`),
    ...signatureNotes(report).map(
      ({ serial, text, code, timeMs }) =>
        `${new Date(timeMs).toISOString()} device ${serial}: ${text} (${code})`,
    ),
  ];
  for (const line of lines) context.print(`\n${line}`);
  if (lines.length === 0) context.print('\nnothing is wrong');
}
