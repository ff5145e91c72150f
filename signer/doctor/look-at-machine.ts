/** What `doctor` finds out without the signer: the file, the folder, the disk, the machine. */
import {
  closeSync,
  fdatasyncSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '@privval/proto/runtime/clock';
import { CodedError, errorCode } from '@privval/proto/runtime/coded-error';
import { coreLimit, lockedKilobytes } from '../cli/process-hardening.ts';
import { readConfig } from '../config/config.ts';
import { checkHome, checkSocketPath } from '../home/check-home.ts';
import { homePaths } from '../home/home-paths.ts';
import type { Finding } from './finding.ts';

/** Syncs that are timed: enough for a p99, over in a second on a slow disk. */
const SYNCS = 100;

/** A node gives up after 5 s; a disk that takes this long for a sync has no room for anything else. */
const SLOW_SYNC_MS = 20;

/** Looks at the configuration. */
export function lookAtConfig(home: string): Finding {
  try {
    const { validators } = readConfig(home);
    const nodes = validators.reduce((sum, validator) => sum + validator.nodes.length, 0);
    return {
      subject: 'config',
      state: 'good',
      text: `signer.toml: ${validators.length} validators, ${nodes} nodes`,
    };
  } catch (error) {
    return badOf('config', error, 'correct signer.toml as the text says');
  }
}

/** Looks at who may change or read what is in the home. */
export function lookAtPermissions(home: string): readonly Finding[] {
  const findings: Finding[] = [];
  try {
    checkHome(home);
    checkSocketPath(home);
  } catch (error) {
    findings.push(
      badOf('permissions', error, 'give the home to the user of the signer, mode 0700'),
    );
  }
  const { identity, keys, adminSocket } = homePaths(home);
  for (const path of [identity, keys, adminSocket]) {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined || (found.mode & 0o077) === 0) continue;
    findings.push({
      subject: 'permissions',
      of: path,
      state: 'bad',
      text: `others have access (mode ${(found.mode & 0o777).toString(8)})`,
      remedy: `chmod go-rwx '${path}'`,
    });
  }
  if (findings.length > 0) return findings;
  return [
    { subject: 'permissions', state: 'good', text: 'home, keys and socket are of this user alone' },
  ];
}

/** Times syncs of a scratch file beside the floor's (never the floor's own file: S13). */
export function lookAtDisk(home: string, clock: Clock): Finding {
  const folder = mkdtempSync(join(home, '.doctor-'));
  try {
    const file = openSync(join(folder, 'sync'), 'wx', 0o600);
    try {
      const times = Array.from({ length: SYNCS }, () => {
        const startedMs = clock.monotonicMs();
        writeSync(file, new Uint8Array(4_096), 0, 4_096, 0);
        fdatasyncSync(file);
        return clock.monotonicMs() - startedMs;
      }).toSorted((a, b) => a - b);
      return diskFinding(times);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    return badOf('disk', error, 'look for a full disk, a read-only file system, a wrong owner');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The verdict on sorted sync times in milliseconds. */
export function diskFinding(times: readonly number[]): Finding {
  const at = (share: number): number =>
    times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  const text = `disk sync p50 ${at(0.5).toFixed(2)} ms, p99 ${at(0.99).toFixed(2)} ms, max ${at(1).toFixed(2)} ms`;
  if (at(0.5) < SLOW_SYNC_MS) return { subject: 'disk', state: 'good', text };
  return {
    subject: 'disk',
    state: 'bad',
    text,
    remedy: 'every signature waits for a sync: put the home on a faster disk',
  };
}

/** Whether secrets of a process can reach a disk. @param files of `/proc/PID` */
export function lookAtMemory(files: { readonly status: string; readonly limits: string }): Finding {
  const locked = lockedKilobytes(files.status);
  if (locked === undefined) {
    return { subject: 'memory', state: 'unknown', text: 'this system does not say what is locked' };
  }
  const faults: string[] = [];
  if (locked === 0) faults.push('no memory is locked: keys may be written to swap');
  if (coreLimit(files.limits) !== '0') faults.push('core dumps are on');
  if (faults.length === 0) {
    return { subject: 'memory', state: 'good', text: `${locked} kB locked, core dumps off` };
  }
  return {
    subject: 'memory',
    state: 'bad',
    text: faults.join('; '),
    remedy: 'systemd: LimitMEMLOCK=64M, LimitCORE=0',
  };
}

/** An error as a finding. */
export function badOf(subject: Finding['subject'], error: unknown, remedy: string): Finding {
  const text = error instanceof Error ? error.message : String(error);
  const code = error instanceof CodedError ? { code: error.code } : {};
  return { subject, state: 'bad', text: `${text} (${errorCode(error)})`, remedy, ...code };
}
