/** What the protocol costs, what many chains on a slow device wait, how long a fail-over takes. */
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { echo } from 'yubihsm/commands/device-commands';
import { type Percentiles, percentiles } from '../histogram.ts';
import { openDevice, openKey, openKeyOfTwo, putKeys } from './devices.ts';
import { SimulatorProcess } from './simulator-process.ts';

/** About as long as the sign bytes of a vote with a block. */
const MESSAGE_BYTES = 115;

/** A message no other call is given. */
let messages = 0;
function nextMessage(): Uint8Array {
  const message = new Uint8Array(MESSAGE_BYTES);
  new DataView(message.buffer).setUint32(1, ++messages);
  return message;
}

async function timeMs(run: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await run();
  return performance.now() - startMs;
}

async function samplesMs(count: number, run: () => Promise<unknown>): Promise<Percentiles> {
  const samples: number[] = [];
  for (let i = 0; i < count; i++) samples.push(await timeMs(run));
  return percentiles(samples);
}

/** One signature on a device that takes no time for it, beside what the same way costs without a key. */
export async function measureProtocol(
  directory: string,
  count: number,
): Promise<{ readonly sign: Percentiles; readonly echo: Percentiles; readonly http: Percentiles }> {
  await using simulator = await SimulatorProcess.start({ latencyMs: 0, serial: 1 });
  await using device = openDevice(simulator.url, directory);
  await putKeys(device, [randomBytes(32)]);
  await using key = await openKey(device, 0);
  const status = async (): Promise<void> => {
    await (await fetch(`${simulator.url}/connector/status`)).text();
  };
  const sign = (): Promise<unknown> => key.sign(nextMessage());
  const ask = (): Promise<unknown> => device.run(echo(nextMessage()));
  for (const run of [sign, ask, status]) await samplesMs(300, run);
  return {
    sign: await samplesMs(count, sign),
    echo: await samplesMs(count, ask),
    http: await samplesMs(count, status),
  };
}

/** `chains` chains on one device: each asks for two signatures one after the other, every `blockMs`. */
export async function measureQueue(
  directory: string,
  options: {
    readonly chains: number;
    readonly latencyMs: number;
    readonly blockMs: number;
    readonly blocks: number;
  },
): Promise<Percentiles> {
  const { chains, latencyMs, blockMs, blocks } = options;
  await using simulator = await SimulatorProcess.start({ latencyMs, serial: 1 });
  await using device = openDevice(simulator.url, directory);
  await putKeys(
    device,
    Array.from({ length: chains }, () => randomBytes(32)),
  );
  const keys = await Promise.all(Array.from({ length: chains }, (_, i) => openKey(device, i)));
  const samples: number[] = [];
  await Promise.all(
    keys.map(async (key) => {
      for (let block = 0; block < blocks; block++) {
        const startMs = performance.now();
        for (let step = 0; step < 2; step++)
          samples.push(await timeMs(() => key.sign(nextMessage())));
        await pause(Math.max(0, blockMs - (performance.now() - startMs)));
      }
    }),
  );
  return percentiles(samples);
}

/** What happens to the device that signs. */
export type Failure = 'unplugged' | 'hanging' | 'connector killed';

/**
 * The longest signature while the active device goes away under a steady load, over `rounds` pairs
 * of fresh devices: from the request before the failure is noticed to the other device's signature.
 * Every signature is held against the bytes that were asked for: nothing is signed but those.
 */
export async function measureFailOver(
  directory: string,
  options: { readonly failure: Failure; readonly rounds: number; readonly latencyMs: number },
): Promise<Percentiles> {
  const gaps: number[] = [];
  for (let round = 0; round < options.rounds; round++) {
    gaps.push(await failOverMs(directory, options.failure, options.latencyMs));
  }
  return percentiles(gaps);
}

async function failOverMs(directory: string, failure: Failure, latencyMs: number): Promise<number> {
  await using first = await SimulatorProcess.start({ latencyMs, serial: 1 });
  await using second = await SimulatorProcess.start({ latencyMs, serial: 2 });
  const seed = randomBytes(32);
  await using devices = new AsyncDisposableStack();
  const both = [first, second].map(({ url }) => devices.use(openDevice(url, directory)));
  for (const device of both) await putKeys(device, [seed]);
  using secret = Ed25519SecretKey.fromSeed(new Uint8Array(seed));
  await using key = await openKeyOfTwo(both, secret.publicKey);
  while (key.health().some(({ state }) => state !== 'in-service')) await pause(20);
  for (let i = 0; i < 5; i++) await key.sign(nextMessage());
  await fail(first, failure);
  const gapMs = await timeMs(() => key.sign(nextMessage()));
  await key.sign(nextMessage());
  return gapMs;
}

async function fail(simulator: SimulatorProcess, failure: Failure): Promise<void> {
  if (failure === 'unplugged') await simulator.switch('unplug');
  else if (failure === 'hanging') await simulator.switch('stall?ms=60000');
  else simulator.kill();
}
