/** Something about a device that somebody has to look at. */
export interface DeviceFinding {
  readonly code: `ERR_DEVICE_${string}`;
  /** One sentence, without a name of the device. */
  readonly text: string;
}
