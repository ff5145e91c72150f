/** Keys in a YubiHSM 2 as one provider among others, over the simulated device in each of its faults. */
import { setImmediate as turn } from 'node:timers/promises';
import { capabilityBits } from 'yubihsm/objects/capability';
import {
  describeKeyProvider,
  type FailureToOpen,
  type FaultUnderTest,
  type KeyProviderUnderTest,
} from '../../conformance/key-provider.ts';
import { ManualClock } from '../../harness/manual-clock.ts';
import { PASSWORD, SERIAL, ValidatorDevice } from '../../harness/validator-device.ts';
import type { WrongAnswer } from '../../harness/yubihsm-sim/connector/wrong-answers.ts';
import type { StoredObject } from '../../harness/yubihsm-sim/device/stored-object.ts';

/** More than any test asks for. */
const ALWAYS = 1_000_000;
const OTHER_SERIAL = 1234567;

describeKeyProvider('a YubiHSM 2', () => subject({ major: 2, minor: 4, patch: 1 }), [
  'unplugged',
  'hanging',
  'behind a connector that is down',
  'behind a connector that fails',
  'behind a connector that answers garbage',
  'behind a connector that cuts answers short',
  'behind something that forges errors',
  'signing wrongly',
  'replaced by another one',
  'with another key in its place',
  'without the key',
  'with a key that may not sign',
  'with an authentication key that may not sign',
]);

describeKeyProvider('a YubiHSM 2 with firmware 2.2', () =>
  subject({ major: 2, minor: 2, patch: 0 }),
);

describeKeyProvider('a YubiHSM 2 and a wrong password', () => subjectWithPassword(), [
  'from the start',
]);

async function subject(firmware: {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}): Promise<KeyProviderUnderTest> {
  const clock = new ManualClock();
  const place = await ValidatorDevice.start({ clock, firmware });
  const device = place.connect({ serial: SERIAL });
  let isHanging = false;
  let kept: StoredObject | undefined;

  const wait = (code: string): FailureToOpen => ({ code, remedy: 'wait' });
  const repair = (code: string): FailureToOpen => ({ code, remedy: 'repair' });
  const wrongly = (
    answer: WrongAnswer,
    opens: FaultUnderTest['opens'],
    signs: FaultUnderTest['signs'] = 'not-at-all',
  ): FaultUnderTest => ({
    begin: () => place.simulator.switches.answerWrongly({ answer, times: ALWAYS }),
    end: () => place.simulator.switches.answerRightly(),
    opens,
    signs,
  });
  const changed = (
    type: 'key' | 'auth-key',
    change: Partial<StoredObject>,
    opens: FailureToOpen,
  ): FaultUnderTest => ({
    begin: () => {
      kept = place.change(type, () => change);
      // What a session may do was settled when it was opened.
      place.simulator.switches.resetSessions();
    },
    end: () => {
      if (kept !== undefined) place.restore(kept);
      place.simulator.switches.resetSessions();
    },
    opens,
    signs: 'not-at-all',
  });

  return {
    provider: place.provider(device),
    publicKey: place.publicKey,
    secrets: [place.seed, new TextEncoder().encode(PASSWORD)],
    limits: {
      longest: {
        bytes: firmware.minor >= 4 ? 3_114 : 2_019,
        code: 'ERR_YUBIHSM_MESSAGE_TOO_LONG',
      },
    },
    // The device's time passes only where that is what a test waits for.
    passTime: async () => {
      if (isHanging) await clock.advance(100);
      else await turn();
    },
    faults: {
      unplugged: {
        begin: () => place.simulator.switches.unplug(),
        end: () => place.simulator.switches.plug(),
        opens: wait('ERR_YUBIHSM_NO_DEVICE'),
        signs: 'not-at-all',
      },
      hanging: {
        begin: () => {
          isHanging = true;
          place.simulator.switches.stall(3_600_000);
        },
        end: () => {
          isHanging = false;
          place.simulator.switches.stall(0);
        },
        opens: wait('ERR_YUBIHSM_COMMAND_TIMEOUT'),
        signs: 'not-at-all',
      },
      'behind a connector that is down': {
        begin: () => place.stopConnector(),
        end: () => place.startConnector(),
        opens: wait('ERR_YUBIHSM_CONNECTOR_UNREACHABLE'),
        signs: 'not-at-all',
      },
      'behind a connector that fails': wrongly({ kind: 'http-500' }, wait('ERR_YUBIHSM_NO_DEVICE')),
      'behind a connector that answers garbage': wrongly(
        { kind: 'garbage' },
        wait('ERR_YUBIHSM_GARBAGE_REPLY'),
      ),
      'behind a connector that cuts answers short': wrongly(
        { kind: 'closed-mid-body' },
        wait('ERR_YUBIHSM_REPLY_LOST'),
      ),
      'behind something that forges errors': wrongly(
        { kind: 'outer-error', code: 0x03 },
        wait('ERR_YUBIHSM_INVALID_SESSION'),
      ),
      'signing wrongly': wrongly({ kind: 'wrong-signature' }, 'the-key', 'wrongly'),
      'replaced by another one': {
        begin: () => place.simulator.switches.changeSerial(OTHER_SERIAL),
        end: () => place.simulator.switches.changeSerial(Number(SERIAL)),
        opens: repair('ERR_ANOTHER_DEVICE'),
        signs: 'not-at-all',
      },
      'with another key in its place': {
        begin: () => {
          kept = place.change('key', () => ({}));
          place.simulator.switches.changeEd25519Key(kept.id);
        },
        end: () => {
          if (kept !== undefined) place.restore(kept);
        },
        opens: 'another-key',
        signs: 'wrongly',
      },
      'without the key': {
        begin: () => {
          kept = place.change('key', () => ({}));
          place.remove(kept);
        },
        end: () => {
          if (kept !== undefined) place.restore(kept);
        },
        opens: repair('ERR_DEVICE_KEY_MISSING'),
        signs: 'not-at-all',
      },
      'with a key that may not sign': changed(
        'key',
        { capabilities: capabilityBits(['exportable-under-wrap']) },
        repair('ERR_DEVICE_KEY_UNSUITABLE'),
      ),
      'with an authentication key that may not sign': changed(
        'auth-key',
        { capabilities: capabilityBits(['get-log-entries']) },
        repair('ERR_DEVICE_AUTH_KEY_UNSUITABLE'),
      ),
    },
    [Symbol.asyncDispose]: async () => {
      await device[Symbol.asyncDispose]();
      await place[Symbol.asyncDispose]();
    },
  };
}

async function subjectWithPassword(): Promise<KeyProviderUnderTest> {
  const place = await ValidatorDevice.start();
  const device = place.connect();
  return {
    provider: place.provider(device),
    publicKey: place.publicKey,
    limits: { longest: { bytes: 3_114, code: 'ERR_YUBIHSM_MESSAGE_TOO_LONG' } },
    faults: {
      // The password counts when the first session is opened; afterwards nobody asks for it.
      'from the start': {
        begin: () => place.writePassword('another password'),
        opens: { code: 'ERR_YUBIHSM_WRONG_CREDENTIALS', remedy: 'restart' },
        signs: 'well',
      },
    },
    [Symbol.asyncDispose]: async () => {
      await device[Symbol.asyncDispose]();
      await place[Symbol.asyncDispose]();
    },
  };
}
