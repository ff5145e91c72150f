/**
 * `npm run yubihsm-sim -- --port P [--latency-ms N]`: a simulated YubiHSM 2 in its factory state behind
 * a connector. Prints its URL when it is ready; SIGTERM and SIGINT end it.
 */
import { parseArgs } from 'node:util';
import { errorCode } from '@privval/proto/runtime/coded-error';
import { DEFAULT_FIRMWARE, parseFirmware } from './device/firmware.ts';
import { startYubiHsmSimulator, type YubiHsmSimulatorOptions } from './simulator.ts';

/** The connector's own port. */
const DEFAULT_PORT = 12345;

/** Of the device at that port. */
const DEFAULT_SERIAL = 7_550_140;

const USAGE =
  'usage: yubihsm-sim [--port P] [--latency-ms N] [--serial N] [--firmware X.Y.Z] [--reboot-ms N]';

const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

/** A flag that cannot be used; the message is the one line that is printed. */
class UsageError extends Error {
  override readonly name = 'UsageError';
}

function readOptions(args: readonly string[]): YubiHsmSimulatorOptions {
  const { values } = parseFlags(args);
  const firmware = parseFirmware(values.firmware ?? textOf(DEFAULT_FIRMWARE));
  if (firmware === undefined) throw new UsageError('--firmware is three numbers, such as 2.4.1');
  const port = numberOf('port', values.port, 65_535) ?? DEFAULT_PORT;
  return {
    port,
    latencyMs: numberOf('latency-ms', values['latency-ms'], 3_600_000),
    rebootMs: numberOf('reboot-ms', values['reboot-ms'], 3_600_000),
    serial: numberOf('serial', values.serial, 0xffff_ffff) ?? serialAt(port),
    firmware,
  };
}

/** Real devices have serials of their own, and programs tell them apart by these: so have two simulators. */
function serialAt(port: number): number {
  return port === 0 ? DEFAULT_SERIAL : DEFAULT_SERIAL + port - DEFAULT_PORT;
}

function parseFlags(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const options = {
    port: text,
    'latency-ms': text,
    'reboot-ms': text,
    serial: text,
    firmware: text,
  };
  try {
    return parseArgs({ args: [...args], options, strict: true });
  } catch (error) {
    const [firstLine = 'wrong flags'] = String((error as Error).message).split('\n');
    throw new UsageError(firstLine, { cause: error });
  }
}

function numberOf(flag: string, text: string | undefined, most: number): number | undefined {
  if (text === undefined) return undefined;
  const number = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(number <= most)) throw new UsageError(`--${flag} is a whole number from 0 to ${most}`);
  return number;
}

function textOf({ major, minor, patch }: typeof DEFAULT_FIRMWARE): string {
  return `${major}.${minor}.${patch}`;
}

async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  const ended = Promise.withResolvers<void>();
  process.once('SIGTERM', () => ended.resolve());
  process.once('SIGINT', () => ended.resolve());
  await using simulator = await startYubiHsmSimulator({}, options);
  const { serial, firmware } = simulator.device.state.identity;
  process.stderr.write(
    `Not a device: a simulation, for trying only. Its keys are in plain memory and end with it.\n` +
      `serial ${serial.toString().padStart(10, '0')}, firmware ${textOf(firmware)}, ` +
      `authentication key 1, password "password"\n`,
  );
  process.stdout.write(`${simulator.url}\n`);
  await ended.promise;
  return EXIT.ok;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const isUsage = error instanceof UsageError;
  const port = errorCode(error) === 'EADDRINUSE' ? 'the port is in use; choose another --port' : '';
  const reason = port || (error instanceof Error ? error.message : String(error));
  process.stderr.write(`yubihsm-sim: ${reason}${isUsage ? `; ${USAGE}` : ''}\n`);
  process.exitCode = isUsage ? EXIT.usage : EXIT.failed;
}
