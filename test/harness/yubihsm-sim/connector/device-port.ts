/** The socket the device sits in: plugged or not, hanging or not, one frame at a time. */
import type { Clock } from '@privval/proto/runtime/clock';
import type { Exchange, SimulatedDevice } from '../device/simulated-device.ts';

/** No device, or none any more: the connector answers 500. Stays inside the simulator. */
export class NoDeviceError extends Error {
  override readonly name = 'NoDeviceError';
}

const RESET_DEVICE = 0x08;
const ERROR_REPLY = 0x7f;

/** What a port needs. */
export interface DevicePortDeps {
  readonly clock: Clock;
  readonly device: SimulatedDevice;
}

/** How slow the device is. */
export interface DevicePortOptions {
  /** Milliseconds that each signature command takes, and nothing else does. @default 0 */
  readonly latencyMs?: number | undefined;
  /** Milliseconds without a device after ResetDevice. @default 0 */
  readonly rebootMs?: number | undefined;
}

/**
 * One frame at a time, in the order of arrival, with no limit to the queue and none to the wait, as
 * the connector does it.
 *
 * While it is stalled the device hangs: frames are taken and not answered. When it is over they are
 * carried out in their order, late, and also those that nobody waits for any more, as a device does
 * that comes back to life. Pulling the plug ends a stall, and every frame in the queue with it.
 */
export class DevicePort implements Disposable {
  readonly #clock: Clock;
  readonly #device: SimulatedDevice;
  readonly #rebootMs: number;
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  /** Aborted when the plug is pulled; a new one for each time it is put in. */
  #power: AbortController | undefined = new AbortController();
  readonly #disposed = new AbortController();
  #stall: { readonly end: AbortController; readonly over: Promise<void> } | undefined;

  /** Milliseconds that each signature command takes, and nothing else does. */
  latencyMs: number;

  constructor(deps: DevicePortDeps, options: DevicePortOptions = {}) {
    this.#clock = deps.clock;
    this.#device = deps.device;
    this.latencyMs = options.latencyMs ?? 0;
    this.#rebootMs = options.rebootMs ?? 0;
  }

  get isPlugged(): boolean {
    return this.#power !== undefined;
  }

  /** Frames that were taken and have no answer yet, the one in the device's hands included. */
  get waiting(): number {
    return this.#waiting;
  }

  /** The device goes. What it was doing goes with it. */
  unplug(): void {
    this.#power?.abort(new NoDeviceError());
    this.#power = undefined;
    this.#stall?.end.abort();
    this.#stall = undefined;
  }

  /** The device comes back, and starts anew. */
  plug(): void {
    if (this.#power !== undefined) return;
    this.#device.powerCycle();
    this.#power = new AbortController();
  }

  /** From now on the device hangs for `ms`; 0 ends a stall. A new stall takes the old one's place. */
  stall(ms: number): void {
    this.#stall?.end.abort();
    this.#stall = undefined;
    if (ms <= 0 || !this.isPlugged) return;
    const end = new AbortController();
    const over = this.#clock.sleep(ms, { signal: end.signal }).catch(ignoreAbort);
    this.#stall = { end, over };
  }

  /** One frame there and one back. @throws {NoDeviceError} */
  async transceive(frame: Uint8Array): Promise<Exchange> {
    this.#waiting += 1;
    const turn = this.#tail.then(() => this.#exchange(frame));
    this.#tail = turn.catch(ignoreAbort);
    try {
      return await turn;
    } finally {
      this.#waiting -= 1;
    }
  }

  [Symbol.dispose](): void {
    this.#disposed.abort();
    this.unplug();
  }

  async #exchange(frame: Uint8Array): Promise<Exchange> {
    const power = this.#power?.signal;
    if (power === undefined) throw new NoDeviceError();
    await this.#stallOver(power);
    const exchange = this.#device.exchange(frame);
    if (exchange.isSignature && this.latencyMs > 0) {
      await this.#clock.sleep(this.latencyMs, { signal: power });
    }
    await this.#stallOver(power);
    if (exchange.command === RESET_DEVICE && exchange.reply[0] !== ERROR_REPLY) this.#reboot();
    return exchange;
  }

  async #stallOver(power: AbortSignal): Promise<void> {
    while (this.#stall !== undefined) {
      const stall = this.#stall;
      await stall.over;
      if (this.#stall === stall) this.#stall = undefined;
    }
    power.throwIfAborted();
  }

  #reboot(): void {
    if (this.#rebootMs <= 0) return;
    this.unplug();
    const { signal } = this.#disposed;
    // Observed here: it ends by itself, or with the port.
    void this.#clock.sleep(this.#rebootMs, { signal }).then(() => this.plug(), ignoreAbort);
  }
}

function ignoreAbort(): void {}
