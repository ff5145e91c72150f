/** What the machine lets a process with secrets do, and does to it: looked at, and warned about (S17). */
import { readFileSync } from 'node:fs';
import { GuardedBytes } from '@privval/proto/crypto/guarded-memory';
import type { Logger } from '@privval/proto/runtime/logger';

/** What the kernel says of this process; empty where there is no /proc. */
export interface ProcessFiles {
  readonly status: () => string;
  readonly limits: () => string;
}

const OWN: ProcessFiles = {
  status: () => read('/proc/self/status'),
  limits: () => read('/proc/self/limits'),
};

/** Warns of what would let secrets reach a disk. */
export function warnOfLeaks(logger: Logger, files: ProcessFiles = OWN): void {
  if (!canLockMemory(files)) {
    logger.warn(
      { code: 'ERR_MEMORY_NOT_LOCKED' },
      'memory cannot be locked, so keys may be written to swap: raise the limit (systemd: LimitMEMLOCK=64M)',
    );
  }
  if (coreLimit(files.limits()) !== '0') {
    logger.warn(
      { code: 'ERR_CORE_DUMPS_ON' },
      'core dumps are on: a crash may write what is in memory to a file; turn them off (ulimit -c 0, systemd: LimitCORE=0)',
    );
  }
}

/** Whether locked memory grows when a secret is stored: libsodium does not say when locking fails. */
function canLockMemory(files: ProcessFiles): boolean {
  const before = lockedKilobytes(files.status());
  if (before === undefined) return true;
  using _probe = GuardedBytes.alloc(64);
  return (lockedKilobytes(files.status()) ?? before) > before;
}

/** `VmLck` of a `/proc/PID/status` in kB; `undefined` where there is none. */
export function lockedKilobytes(status: string): number | undefined {
  const text = /^VmLck:\s*(\d+) kB$/m.exec(status)?.[1];
  return text === undefined ? undefined : Number(text);
}

/** The soft limit of core files in a `/proc/PID/limits`: bytes or `unlimited`; `0` where it does not say. */
export function coreLimit(limits: string): string {
  return /^Max core file size\s+(\S+)/m.exec(limits)?.[1] ?? '0';
}

/** Nothing where there is no /proc. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
