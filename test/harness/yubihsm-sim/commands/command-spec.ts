/** What every command of the model is: a number, a right, and what it does. */
import type { Principal } from '../device/access.ts';
import type { ByteReader } from '../device/byte-reader.ts';
import type { DeviceState } from '../device/device-state.ts';
import type { Firmware } from '../device/firmware.ts';

/** What a command works on. */
export interface CommandContext {
  readonly state: DeviceState;
  /** Whose session it came through. */
  readonly principal: Principal;
  /** Tells the log which keys the command is about: the first is the target, the next the second. */
  concerns(...ids: readonly number[]): void;
}

/** One command of an open session. */
export interface CommandSpec {
  readonly code: number;
  /** The vendor's name. */
  readonly name: string;
  /** The first firmware that has it; every one if absent. */
  readonly since?: Firmware;
  /** What the authentication key must hold; nothing if absent. */
  readonly capability?: bigint;
  /** Whether it makes a signature, and takes the time of one. */
  readonly isSignature?: boolean;
  /** Whether it works while a full log stops the others. */
  readonly worksWithFullLog?: boolean;
  /** What happens to the session or the device once the reply is made. */
  readonly afterwards?: 'close-session' | 'reset-device';
  /** Returns the data of the reply. @throws {DeviceFault} */
  run(context: CommandContext, data: ByteReader): Uint8Array;
}

/** The data of a reply without any. */
export const NOTHING: Uint8Array = new Uint8Array();
