/** The device's options: force-audit, command-audit, and which algorithms are on. */
import { bytesFromHex } from '@privval/proto/runtime/bytes';
import { supportedAlgorithms } from './algorithm.ts';
import { ByteReader } from './byte-reader.ts';
import { DeviceFault, FAULT } from './device-fault.ts';
import { type Firmware, isAtLeast } from './firmware.ts';

/** Numbers of the options. */
export const OPTION = { forceAudit: 1, commandAudit: 3, algorithmToggle: 4 } as const;

/** Values of the audit options. Fixed is undone by a factory reset only. */
const AUDIT = { off: 0, on: 1, fixed: 2 } as const;

/** What command-audit lists, in the order in which the device lists it. 07 and 09 have no public name. */
const AUDITED_COMMANDS = bytesFromHex(
  '01030405060709084041424344454647555648' +
    '49574a4b4c4d674e4f50515253545859' +
    '5a5b5c5d5e5f606162636465666869' +
    '6a6b6c0a6d6e6f7071727374757677',
);

/** Never logged unless somebody asks for it, not even before 2.3.1. */
const QUIET_COMMANDS: ReadonlySet<number> = new Set([0x01, 0x05, 0x06, 0x4d]);

/** A SessionMessage is only the envelope of the command that is logged. */
const SESSION_MESSAGE = 0x05;

/** Options as SetOption leaves them; a factory reset makes new ones. */
export class DeviceOptions {
  readonly #firmware: Firmware;
  readonly #commandAudit: Map<number, number>;
  readonly #disabledAlgorithms = new Set<number>();
  #forceAudit: number = AUDIT.off;

  constructor(firmware: Firmware) {
    this.#firmware = firmware;
    const isQuiet = isAtLeast(firmware, 2, 3, 1);
    this.#commandAudit = new Map(
      [...AUDITED_COMMANDS].map((command) => [
        command,
        isQuiet || QUIET_COMMANDS.has(command) ? AUDIT.off : AUDIT.on,
      ]),
    );
  }

  /** Whether a full log stops what would be logged. */
  get isForced(): boolean {
    return this.#forceAudit !== AUDIT.off;
  }

  /** Whether `command` is to be logged. */
  isAudited(command: number): boolean {
    return command !== SESSION_MESSAGE && (this.#commandAudit.get(command) ?? AUDIT.off) !== 0;
  }

  /** @throws {DeviceFault} 12 when the algorithm is switched off. */
  requireEnabled(algorithm: number): void {
    if (this.#disabledAlgorithms.has(algorithm)) throw new DeviceFault(FAULT.algorithmDisabled);
  }

  /** The value of an option as GetOption gives it. @throws {DeviceFault} 02 for an unknown one. */
  read(option: number): Uint8Array {
    if (option === OPTION.forceAudit) return Uint8Array.of(this.#forceAudit);
    if (option === OPTION.commandAudit) return Uint8Array.from([...this.#commandAudit].flat());
    if (this.#hasToggle(option)) {
      return Uint8Array.from(
        supportedAlgorithms(this.#firmware).flatMap((algorithm) => [
          algorithm,
          this.#disabledAlgorithms.has(algorithm) ? 0 : 1,
        ]),
      );
    }
    throw new DeviceFault(FAULT.invalidData);
  }

  /**
   * Sets an option, all of it or nothing. `isFresh`: nothing was stored since the last reset, which
   * algorithms can only be switched on.
   *
   * @throws {DeviceFault} 02 for an unknown option, command or value, and for one that is fixed.
   */
  write(option: number, value: Uint8Array, isFresh: boolean): void {
    if (option === OPTION.forceAudit) {
      const [mode = 0xff] = value;
      if (value.length !== 1) throw new DeviceFault(FAULT.wrongLength);
      requireAllowed(this.#forceAudit, mode);
      this.#forceAudit = mode;
    } else if (option === OPTION.commandAudit) {
      const pairs = pairsOf(value);
      for (const [command, mode] of pairs) requireAllowed(this.#commandAudit.get(command), mode);
      for (const [command, mode] of pairs) this.#commandAudit.set(command, mode);
    } else if (this.#hasToggle(option) && isFresh) {
      this.#toggle(pairsOf(value));
    } else {
      throw new DeviceFault(FAULT.invalidData);
    }
  }

  #toggle(pairs: readonly (readonly [number, number])[]): void {
    const known = supportedAlgorithms(this.#firmware);
    if (pairs.some(([algorithm, on]) => !known.includes(algorithm) || on > 1)) {
      throw new DeviceFault(FAULT.invalidData);
    }
    for (const [algorithm, on] of pairs) {
      if (on === 1) this.#disabledAlgorithms.delete(algorithm);
      else this.#disabledAlgorithms.add(algorithm);
    }
  }

  #hasToggle(option: number): boolean {
    return option === OPTION.algorithmToggle && isAtLeast(this.#firmware, 2, 2);
  }
}

function requireAllowed(current: number | undefined, next: number): void {
  const isUnknown = current === undefined || next > AUDIT.fixed;
  if (isUnknown || (current === AUDIT.fixed && next !== AUDIT.fixed)) {
    throw new DeviceFault(FAULT.invalidData);
  }
}

function pairsOf(value: Uint8Array): readonly (readonly [number, number])[] {
  const reader = new ByteReader(value);
  const pairs: (readonly [number, number])[] = [];
  while (reader.left > 0) pairs.push([reader.u8(), reader.u8()]);
  return pairs;
}
