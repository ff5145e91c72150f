/** A device with a log and one key, seen from where its log is drained: the simulator's log, without a wire. */
import type { DeviceLogReading, LoggedDevice, LogUse } from '@privval/hsm/device-log/logged-device';
import { decodeLogEntries } from 'yubihsm/log/log-entry';
import { AuditLog, LOG_SLOTS } from './yubihsm-sim/device/audit-log.ts';

/** The key it signs with. */
export const KEY_ID = 0x64;

/** What can be done to it besides. */
export class FakeLoggedDevice implements LoggedDevice {
  readonly name = 'yubihsm fake';
  readonly log: AuditLog = new AuditLog(new Uint8Array(16));
  serial = '0007550140';
  /** Whether a full log takes no more. */
  isForced = true;
  /** Why nothing answers; `undefined` when it does. */
  fault: Error | undefined;
  /** Changes what is read on its way. */
  onRead: ((reading: Uint8Array) => Uint8Array) | undefined;
  /** Runs before the device forgets; may throw. */
  onFree: (() => void) | undefined;
  readonly frees: number[] = [];

  /** @returns false when the log is full and the device refuses: error 0a. */
  sign(sessionKey = 4, targetKey: number = KEY_ID): boolean {
    if (this.isForced && this.log.isFull) return false;
    return this.add({ command: 0x6a, sessionKey, targetKey });
  }

  /** Any other command that is logged. */
  add(event: { command: number; sessionKey?: number; targetKey?: number }): boolean {
    const { command, sessionKey = 4, targetKey = 0xffff } = event;
    const ids = { sessionKey, targetKey, secondKey: 0xffff };
    const rest = { length: 8, result: command | 0x80, tick: 0 };
    return this.log.add({ command, ...ids, ...rest }, this.isForced);
  }

  async logUse(): Promise<LogUse> {
    this.#checkPlugged();
    return { serial: this.serial, logTotal: LOG_SLOTS, logUsed: this.log.used };
  }

  async readLog(): Promise<DeviceLogReading> {
    this.#checkPlugged();
    const bytes = this.log.read();
    return decodeLogEntries(this.onRead?.(bytes) ?? bytes);
  }

  async freeLog(upTo: number): Promise<void> {
    this.#checkPlugged();
    this.onFree?.();
    this.frees.push(upTo);
    this.log.free(upTo);
  }

  #checkPlugged(): void {
    if (this.fault !== undefined) throw this.fault;
  }
}
