/** What a firmware version decides. */

/** A version, compared field by field. */
export interface Firmware {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

/** The newest that the simulator models. */
export const DEFAULT_FIRMWARE: Firmware = { major: 2, minor: 4, patch: 1 };

/** `2.4.1`. Undefined for anything else than three numbers below 256. */
export function parseFirmware(text: string): Firmware | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return undefined;
  const [major = 0, minor = 0, patch = 0] = match.slice(1).map(Number);
  return Math.max(major, minor, patch) > 255 ? undefined : { major, minor, patch };
}

/** Whether `firmware` is `major.minor.patch` or newer. */
export function isAtLeast(firmware: Firmware, major: number, minor: number, patch = 0): boolean {
  const differences = [firmware.major - major, firmware.minor - minor, firmware.patch - patch];
  return (differences.find((difference) => difference !== 0) ?? 0) >= 0;
}

/** The longest frame the device takes or gives, header included. */
export function maxFrameBytes(firmware: Firmware): number {
  return isAtLeast(firmware, 2, 4) ? 3136 : 2048;
}

/** The longest data of an inner command or reply: what fits a frame, padded to whole blocks. */
export function maxInnerBytes(firmware: Firmware): number {
  const [outer, inner, block] = [3 + 1 + 8, 3 + 1, 16];
  return Math.floor((maxFrameBytes(firmware) - outer) / block) * block - inner;
}
