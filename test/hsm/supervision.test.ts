import type { ProviderFault, Remedy } from '@privval/hsm/key-provider';
import {
  mayReturn,
  providerStateOf,
  REOPEN_DELAY_MS,
  type Supervision,
  type SupervisionEvent,
  type SupervisionStep,
  supervise,
  UNOPENED,
} from '@privval/hsm/supervision';
import { describe, expect, test } from 'vitest';

function fault(remedy: Remedy, code = `ERR_${remedy.toUpperCase()}`): ProviderFault {
  return { code, text: `a fault that ends by ${remedy}`, remedy };
}

const INVALID: ProviderFault = fault('wait', 'ERR_SIGNATURE_INVALID');
const opened: SupervisionEvent = { kind: 'opened' };
const signed: SupervisionEvent = { kind: 'signed' };
const openFailed = (remedy: Remedy, code?: string): SupervisionEvent => ({
  kind: 'open-failed',
  fault: fault(remedy, code),
});
const signFailed = (remedy: Remedy = 'wait', code?: string): SupervisionEvent => ({
  kind: 'sign-failed',
  fault: fault(remedy, code),
});
const signedWrongly: SupervisionEvent = { kind: 'signed-wrongly', fault: INVALID };

/** The last step of a provider to which all this happened. */
function after(...events: readonly [SupervisionEvent, ...SupervisionEvent[]]): SupervisionStep {
  const [first, ...rest] = events;
  return rest.reduce(({ state }, event) => supervise(state, event), supervise(UNOPENED, first));
}

const waiting = (afterMs: number) => ({ kind: 'open', afterMs });

test.each<[string, readonly [SupervisionEvent, ...SupervisionEvent[]], boolean]>([
  ['a signature failed in a way that heals', [opened, signFailed('wait')], true],
  ['one failed that looked like for good', [opened, signFailed('repair')], true],
  ['it cannot be opened, and time heals that', [opened, signFailed(), openFailed('wait')], true],
  ['it cannot be opened, and time does not', [opened, signFailed(), openFailed('repair')], false],
  ['a signature failed for good', [opened, signFailed('restart')], false],
  ['it cannot be opened for good', [opened, signFailed(), openFailed('restart')], false],
])('when %s, a request has something to wait for or not', (_, events, expected) => {
  expect(mayReturn(after(...events).state)).toBe(expected);
});

describe('what becomes of a provider', () => {
  test.each<{
    readonly what: string;
    readonly events: readonly [SupervisionEvent, ...SupervisionEvent[]];
    readonly shows: string;
    readonly action: object;
    readonly notice?: string;
    readonly fault?: string;
  }>([
    {
      what: 'it is in service once its key is open',
      events: [opened],
      shows: 'in-service',
      action: { kind: 'keep' },
      notice: 'info',
    },
    {
      what: 'a good signature changes nothing',
      events: [opened, signed],
      shows: 'in-service',
      action: { kind: 'keep' },
    },
    {
      what: 'it is asked again after 0.2 s when time heals it (S26)',
      events: [openFailed('wait')],
      shows: 'out-of-service',
      action: waiting(200),
      notice: 'alarm',
      fault: 'ERR_WAIT',
    },
    {
      what: 'it is asked again after twice that, and not logged again (S26)',
      events: [openFailed('wait'), openFailed('wait')],
      shows: 'out-of-service',
      action: waiting(400),
      fault: 'ERR_WAIT',
    },
    {
      what: 'it is asked again after 5 s when a person has to repair it (S26)',
      events: [openFailed('repair')],
      shows: 'out-of-service',
      action: waiting(5_000),
      notice: 'alarm',
      fault: 'ERR_REPAIR',
    },
    {
      what: 'it is not asked again when another attempt does harm (S26)',
      events: [openFailed('restart')],
      shows: 'out-of-service',
      action: { kind: 'give-up' },
      notice: 'alarm',
      fault: 'ERR_RESTART',
    },
    {
      what: 'another reason is told, once',
      events: [openFailed('wait'), openFailed('wait', 'ERR_OTHER')],
      shows: 'out-of-service',
      action: waiting(400),
      notice: 'warn',
      fault: 'ERR_OTHER',
    },
    {
      what: 'two reasons that alternate are told once each',
      events: [openFailed('wait'), openFailed('wait', 'ERR_OTHER'), openFailed('wait')],
      shows: 'out-of-service',
      action: waiting(800),
      fault: 'ERR_WAIT',
    },
    {
      what: 'a reason that needs a person is an alarm, also as the second one',
      events: [openFailed('wait'), openFailed('repair')],
      shows: 'out-of-service',
      action: waiting(5_000),
      notice: 'alarm',
      fault: 'ERR_REPAIR',
    },
    {
      what: 'it is in service again when an attempt succeeds, and says so',
      events: [openFailed('wait'), openFailed('repair'), opened],
      shows: 'in-service',
      action: { kind: 'keep' },
      notice: 'info',
    },
    {
      what: 'the next outage is an alarm of its own, and begins with the shortest wait',
      events: [openFailed('wait'), openFailed('wait'), opened, signFailed(), openFailed('wait')],
      shows: 'out-of-service',
      action: waiting(200),
      fault: 'ERR_WAIT',
    },
    {
      what: 'after a signature that failed it is opened again at once',
      events: [opened, signed, signFailed()],
      shows: 'out-of-service',
      action: waiting(0),
      notice: 'alarm',
      fault: 'ERR_WAIT',
    },
    {
      what: 'also when its fault is one that a person repairs: the self-test finds out',
      events: [opened, signFailed('repair')],
      shows: 'out-of-service',
      action: waiting(0),
      notice: 'alarm',
      fault: 'ERR_REPAIR',
    },
    {
      what: 'but not when another attempt does harm',
      events: [opened, signFailed('restart')],
      shows: 'out-of-service',
      action: { kind: 'give-up' },
      notice: 'alarm',
      fault: 'ERR_RESTART',
    },
    {
      what: 'a key that opens and never signs is opened less and less often',
      events: [opened, signFailed(), opened, signFailed(), opened, signFailed()],
      shows: 'out-of-service',
      action: waiting(400),
      notice: 'alarm',
      fault: 'ERR_WAIT',
    },
    {
      what: 'and at once again when it has signed in between',
      events: [opened, signFailed(), opened, signFailed(), opened, signed, signFailed()],
      shows: 'out-of-service',
      action: waiting(0),
      notice: 'alarm',
      fault: 'ERR_WAIT',
    },
    {
      what: 'a signature that does not verify closes it (S29)',
      events: [opened, signed, signedWrongly],
      shows: 'out-of-service',
      action: waiting(0),
      notice: 'alarm',
      fault: 'ERR_SIGNATURE_INVALID',
    },
    {
      what: 'it comes back on probation (S29)',
      events: [opened, signedWrongly, opened],
      shows: 'on-probation',
      action: { kind: 'keep' },
      notice: 'warn',
      fault: 'ERR_SIGNATURE_INVALID',
    },
    {
      what: 'one good signature ends the probation (S29)',
      events: [opened, signedWrongly, opened, signed],
      shows: 'in-service',
      action: { kind: 'keep' },
      notice: 'info',
    },
    {
      what: 'a second one that does not verify ends it until the next start (S29)',
      events: [opened, signedWrongly, opened, signedWrongly],
      shows: 'out-of-service',
      action: { kind: 'give-up' },
      notice: 'alarm',
      fault: 'ERR_SIGNATURE_INVALID',
    },
    {
      what: 'an outage on probation does not end the probation (S29)',
      events: [opened, signedWrongly, openFailed('wait'), opened, signFailed(), opened],
      shows: 'on-probation',
      action: { kind: 'keep' },
      notice: 'warn',
      fault: 'ERR_SIGNATURE_INVALID',
    },
    {
      what: 'nor does it take away what a second one means (S29)',
      events: [
        opened,
        signedWrongly,
        openFailed('wait'),
        opened,
        signFailed(),
        opened,
        signedWrongly,
      ],
      shows: 'out-of-service',
      action: { kind: 'give-up' },
      notice: 'alarm',
      fault: 'ERR_SIGNATURE_INVALID',
    },
    {
      what: 'after a probation that went well, the next one is a first one',
      events: [opened, signedWrongly, opened, signed, signedWrongly],
      shows: 'out-of-service',
      action: waiting(0),
      notice: 'alarm',
      fault: 'ERR_SIGNATURE_INVALID',
    },
  ])('$what', ({ events, shows, action, notice, fault: code }) => {
    const step = after(...events);
    expect(providerStateOf(step.state)).toBe(shows);
    expect(step.action).toEqual(action);
    expect(step.notice?.level).toBe(notice);
    expect(step.state.fault?.code).toBe(code);
  });

  test('is out of service, without a fault, before the first attempt', () => {
    expect(providerStateOf(UNOPENED)).toBe('out-of-service');
    expect(UNOPENED.fault).toBeUndefined();
  });

  test('waits 0.2 s, doubled up to 5 s, however long it takes (S26)', () => {
    const delays: number[] = [];
    let state: Supervision = UNOPENED;
    for (let attempt = 0; attempt < 2_000; attempt++) {
      const step = supervise(state, openFailed('wait'));
      state = step.state;
      if (step.action.kind === 'open') delays.push(step.action.afterMs);
    }
    expect(delays.slice(0, 8)).toEqual([200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000]);
    expect(delays).toHaveLength(2_000);
    expect(Math.max(...delays)).toBe(REOPEN_DELAY_MS.max);
  });
});
