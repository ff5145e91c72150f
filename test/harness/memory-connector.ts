/** A way to a simulated device without a port: frames go in, frames come out, or get lost where a test says so. */
import type { Connector, ConnectorStatus } from 'yubihsm/connector/connector';
import { ConnectorUnreachableError, ReplyLostError } from 'yubihsm/connector/connector-errors';
import { SimulatedDevice } from './yubihsm-sim/device/simulated-device.ts';

/** What happens to one frame. `before`: the device never sees it. `after`: its answer is lost. */
export type Loss = 'before' | 'after' | undefined;

/** One device, reached by any number of clients one after the other. Disposing does nothing to it. */
export class MemoryConnector implements Connector {
  readonly name = 'memory';
  readonly device: SimulatedDevice;
  /** Frames so far. */
  frames = 0;
  /** Asked for each frame, with its number from 1 on. */
  loss: ((frame: number) => Loss) | undefined;

  constructor(device: SimulatedDevice) {
    this.device = device;
  }

  /** A new device in its factory state. Its time stands still unless `monotonicMs` tells it. */
  static fromFactory(
    options: { readonly serial?: number; readonly monotonicMs?: () => number } = {},
  ): MemoryConnector {
    const deps = {
      monotonicMs: options.monotonicMs ?? (() => 0),
      random: (count: number) => crypto.getRandomValues(new Uint8Array(count)),
    };
    return new MemoryConnector(new SimulatedDevice(deps, options));
  }

  async transceive(frame: Uint8Array): Promise<Uint8Array> {
    this.frames += 1;
    const loss = this.loss?.(this.frames);
    if (loss === 'before') throw new ConnectorUnreachableError(this.name, 'the frame was lost');
    const { reply } = this.device.exchange(frame);
    if (loss === 'after') throw new ReplyLostError(this.name, false);
    return reply;
  }

  async status(): Promise<ConnectorStatus> {
    return { hasDevice: true, serial: '*', version: '0', fields: new Map() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The device is there for the next client.
  }
}
