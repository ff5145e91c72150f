/**
 * A YubiHSM 2 and its connector on a loopback port, for tests and for trying the product without a
 * device. State is in memory only; the keys in it are protected by nothing.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { inspect } from 'node:util';
import { type Clock, systemClock } from '@privval/proto/runtime/clock';
import { InvariantError } from '@privval/proto/runtime/coded-error';
import { COMMANDS } from './commands/command-table.ts';
import { createConnectorServer } from './connector/connector-server.ts';
import { DevicePort, type DevicePortOptions } from './connector/device-port.ts';
import { WrongAnswers } from './connector/wrong-answers.ts';
import type { RandomBytes } from './device/device-state.ts';
import { ERROR_REPLY, type Message } from './device/frame.ts';
import { SimulatedDevice, type SimulatedDeviceOptions } from './device/simulated-device.ts';
import { Switches } from './switches.ts';

/** What a simulator uses; everything has a default. */
export interface YubiHsmSimulatorDeps {
  /** Idle times, latency, stalls. @default the machine's clock */
  readonly clock?: Clock;
  /** @default the operating system's generator */
  readonly random?: RandomBytes;
  /** A device that exists already, behind a new connector. @default a new one, from the factory */
  readonly device?: SimulatedDevice;
  /** What the model did not mean to happen; the client sees a 500. @default to standard error */
  readonly onBug?: (error: unknown) => void;
}

/** How it is. */
export interface YubiHsmSimulatorOptions extends SimulatedDeviceOptions, DevicePortOptions {
  /** 0 for any free port. @default 0 */
  readonly port?: number | undefined;
}

/** A running simulator. Disposing it closes the port; the device's state is lost with the last reference. */
export interface YubiHsmSimulator extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly port: number;
  readonly device: SimulatedDevice;
  readonly switches: Switches;
}

/** Starts a simulator on 127.0.0.1. @throws what listening throws, e.g. EADDRINUSE. */
export async function startYubiHsmSimulator(
  deps: YubiHsmSimulatorDeps = {},
  options: YubiHsmSimulatorOptions = {},
): Promise<YubiHsmSimulator> {
  const { clock = systemClock, random = systemBytes, onBug = printBug } = deps;
  const device =
    deps.device ?? new SimulatedDevice({ monotonicMs: () => clock.monotonicMs(), random }, options);
  const devicePort = new DevicePort({ clock, device }, options);
  const wrongAnswers = new WrongAnswers();
  device.filterReplies((command, message) => {
    const isSignature = COMMANDS.get(command)?.isSignature === true && isReply(message);
    const wrong = isSignature ? wrongAnswers.take('in-device', command) : undefined;
    return wrong === undefined ? message : withFlippedBit(message);
  });
  const switches = new Switches({
    port: devicePort,
    device,
    wrongAnswers,
    closeIdleConnections: () => server.closeIdleConnections(),
  });
  const server = createConnectorServer({ port: devicePort, switches, wrongAnswers, onBug });
  const port = await listen(server, options.port ?? 0);
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    device,
    switches,
    async [Symbol.asyncDispose]() {
      devicePort[Symbol.dispose]();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function listen(server: Server, port: number): Promise<number> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new InvariantError('no TCP address');
  return address.port;
}

function isReply(message: Message): boolean {
  return message.command !== ERROR_REPLY;
}

function withFlippedBit(message: Message): Message {
  const data = message.data.slice();
  data[data.length - 1] = (data[data.length - 1] ?? 0) ^ 1;
  return { ...message, data };
}

function systemBytes(count: number): Uint8Array {
  return Uint8Array.from(randomBytes(count));
}

function printBug(error: unknown): void {
  process.stderr.write(`yubihsm-sim: a bug of the simulator: ${inspect(error)}\n`);
}
