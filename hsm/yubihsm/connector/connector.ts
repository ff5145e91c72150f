/** What stands between a client and the device: carries one frame there and one back. */

/** How a wait is ended from outside. */
export interface WaitOptions {
  readonly signal?: AbortSignal | undefined;
}

/** What a connector says of itself, without the device's help. */
export interface ConnectorStatus {
  /** Whether a device is plugged in. */
  readonly hasDevice: boolean;
  /** The serial the connector is pinned to, not the plugged device's; `*` for any. */
  readonly serial: string;
  readonly version: string;
  /** Every line as it came, known or not. */
  readonly fields: ReadonlyMap<string, string>;
}

/**
 * A way to a device. It is not trusted: it sees ciphertext, and may drop, delay, replay or forge
 * what is not authenticated.
 */
export interface Connector extends AsyncDisposable {
  /** For logs and errors: `http://127.0.0.1:12345`. No secrets. */
  readonly name: string;
  /**
   * Sends one frame and resolves with the device's. Never sends a frame twice. One call may wait
   * behind other clients of the connector for as long as the device is busy.
   *
   * @throws a connector error (unreachable, no device, time-out, garbage). Whether the device saw
   *   the frame is then unknown, except where the error says that it did not.
   */
  transceive(frame: Uint8Array, options?: WaitOptions): Promise<Uint8Array>;
  /** Asks the connector, not the device. @throws a connector error. */
  status(options?: WaitOptions): Promise<ConnectorStatus>;
}
