/** One key in two simulated YubiHSMs, of which one fails at a time, in every way it can. */
import { openProvidedKey } from '@privval/hsm/open-provided-key';
import { ed25519PublicKey } from '@privval/proto/crypto/public-key';
import { expect, test } from 'vitest';
import { opensslVerifies } from '../../harness/independent-ed25519.ts';
import { ManualClock } from '../../harness/manual-clock.ts';
import { RecordingLogger } from '../../harness/recording-logger.ts';
import { ValidatorDevice } from '../../harness/validator-device.ts';

/** What befalls a device, and how it ends. */
const MISFORTUNES: readonly {
  readonly begin: (place: ValidatorDevice) => void | Promise<void>;
  readonly end: (place: ValidatorDevice) => void | Promise<void>;
}[] = [
  {
    begin: (place) => place.simulator.switches.unplug(),
    end: (place) => place.simulator.switches.plug(),
  },
  {
    begin: (place) => place.simulator.switches.stall(60_000),
    end: (place) => place.simulator.switches.stall(0),
  },
  { begin: (place) => place.stopConnector(), end: (place) => place.startConnector() },
  {
    begin: (place) =>
      place.simulator.switches.answerWrongly({ answer: { kind: 'garbage' }, times: 1_000 }),
    end: (place) => place.simulator.switches.answerRightly(),
  },
  {
    begin: (place) =>
      place.simulator.switches.answerWrongly({ answer: { kind: 'wrong-signature' } }),
    end: (place) => place.simulator.switches.answerRightly(),
  },
  { begin: (place) => place.simulator.switches.resetSessions(), end: () => undefined },
  {
    begin: (place) => place.simulator.switches.changeSerial(1_234_567),
    end: (place) => place.simulator.switches.changeSerial(7_550_140),
  },
];

test('every signature is made, whatever befalls the device that is asked (S28)', async () => {
  await using first = await ValidatorDevice.start();
  await using second = await ValidatorDevice.start();
  const places = [first, second] as const;
  await using devices = new AsyncDisposableStack();
  const logger = new RecordingLogger();
  // The devices have the machine's time; only the waits between two openings pass as the test likes.
  const clock = new ManualClock();
  const providers = places.map((place) => {
    const device = devices.use(place.connect({ serial: '0007550140' }));
    return place.provider(device);
  });
  await using key = openProvidedKey(
    { clock, logger },
    { providers, expected: ed25519PublicKey(first.publicKey) },
  );
  await key.waitUntilInService();

  let asked = 0;
  const sign = async (): Promise<void> => {
    const message = new TextEncoder().encode(`message ${++asked}`);
    expect(opensslVerifies(first.publicKey, message, await key.sign(message))).toBe(true);
  };
  /** Both are back: the next misfortune may befall either. */
  const untilBothServe = async (): Promise<void> => {
    while (key.health().some(({ state }) => state === 'out-of-service')) {
      await clock.advance(200);
    }
  };

  for (const { begin, end } of MISFORTUNES) {
    await untilBothServe();
    await sign();
    const active = places[key.health().findIndex(({ isActive }) => isActive)] ?? first;
    await begin(active);
    for (let times = 0; times < 4; times++) await sign();
    await end(active);
    await sign();
  }
  expect(asked).toBe(6 * MISFORTUNES.length);
});
