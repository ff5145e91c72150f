/**
 * What becomes of one provider when something happens to it (S26, S29), and nothing else. Pure and
 * synchronous: no clock, no provider, no logger.
 *
 * @module
 */
import type { ProviderFault, ProviderState } from './key-provider.ts';

/** Milliseconds until a provider is asked again: the first time, doubled each time, up to the cap (S26). */
export const REOPEN_DELAY_MS = { first: 200, max: 5_000 } as const;

/** What is remembered of a provider. */
export interface Supervision {
  /**
   * `opening`: an attempt is under way, or will be after a while. `open`: its key is asked.
   * `given-up`: nobody opens it again before the next start.
   */
  readonly phase: 'opening' | 'open' | 'given-up';
  /** The signature that did not verify, while no good one has been made since (S29). */
  readonly probation: ProviderFault | undefined;
  /** Attempts to open it that failed, since the last that did not. */
  readonly openFailures: number;
  /** Signatures that failed, since the last good one. */
  readonly signFailures: number;
  /** Why it is not asked, or not trusted yet. */
  readonly fault: ProviderFault | undefined;
  /** Codes of faults that this outage has brought, each of which was logged. */
  readonly codes: readonly string[];
}

/** What happened. */
export type SupervisionEvent =
  /** The self-test passed, and the key is the expected one. */
  | { readonly kind: 'opened' }
  | { readonly kind: 'open-failed'; readonly fault: ProviderFault }
  /** It made a signature that verifies. */
  | { readonly kind: 'signed' }
  /** It made one that does not. */
  | { readonly kind: 'signed-wrongly'; readonly fault: ProviderFault }
  /** It was asked for a signature and failed in a way that speaks against key or device. */
  | { readonly kind: 'sign-failed'; readonly fault: ProviderFault };

/** What is to be done with the provider. A key that is open is closed first, unless it is kept. */
export type SupervisionAction =
  | { readonly kind: 'keep' }
  | { readonly kind: 'open'; readonly afterMs: number }
  | { readonly kind: 'give-up' };

/** A line for the log: once for each change, never for each attempt. */
export interface SupervisionNotice {
  readonly level: 'info' | 'warn' | 'alarm';
  readonly text: string;
}

/** Outcome of {@link supervise}. */
export interface SupervisionStep {
  readonly state: Supervision;
  readonly action: SupervisionAction;
  readonly notice?: SupervisionNotice;
}

/** Before the first attempt. */
export const UNOPENED: Supervision = {
  phase: 'opening',
  probation: undefined,
  openFailures: 0,
  signFailures: 0,
  fault: undefined,
  codes: [],
};

/** As operators see it. */
export function providerStateOf({ phase, probation }: Supervision): ProviderState {
  if (phase !== 'open') return 'out-of-service';
  return probation !== undefined ? 'on-probation' : 'in-service';
}

/**
 * Whether one that is out of service may be back soon: it is opened at once after a signature that
 * failed, whatever that looked like, and only an opening that fails shows what time does not heal.
 */
export function mayReturn({ phase, openFailures, fault }: Supervision): boolean {
  return phase === 'opening' && (openFailures === 0 || fault?.remedy === 'wait');
}

/** What comes of `event`. `signed`, `signed-wrongly` and `sign-failed` happen to an open key only. */
export function supervise(state: Supervision, event: SupervisionEvent): SupervisionStep {
  switch (event.kind) {
    case 'opened':
      return opened(state);
    case 'signed':
      return signed(state);
    case 'open-failed':
      return openFailed(state, event.fault);
    case 'sign-failed':
      return signFailed(state, event.fault);
    case 'signed-wrongly':
      return state.probation !== undefined
        ? givenUp(state, event.fault)
        : signFailed({ ...state, probation: event.fault }, event.fault);
  }
}

function opened(state: Supervision): SupervisionStep {
  const { probation } = state;
  return {
    state: { ...state, phase: 'open', openFailures: 0, fault: probation, codes: [] },
    action: { kind: 'keep' },
    notice: probation
      ? { level: 'warn', text: 'this provider is on probation: its next signature decides' }
      : { level: 'info', text: 'this provider is in service' },
  };
}

function signed(state: Supervision): SupervisionStep {
  const action = { kind: 'keep' } as const;
  if (state.probation === undefined && state.signFailures === 0) return { state, action };
  const proven = { ...state, probation: undefined, signFailures: 0, fault: undefined };
  if (state.probation === undefined) return { state: proven, action };
  const text = 'this provider is in service: its signature on probation was good';
  return { state: proven, action, notice: { level: 'info', text } };
}

function openFailed(state: Supervision, fault: ProviderFault): SupervisionStep {
  if (fault.remedy === 'restart') return givenUp(state, fault);
  const openFailures = state.openFailures + 1;
  const afterMs = fault.remedy === 'repair' ? REOPEN_DELAY_MS.max : delayMs(openFailures);
  return outOfService({ ...state, openFailures }, fault, { kind: 'open', afterMs });
}

/**
 * Opened again at once, whatever time it takes to heal: the self-test finds out what is the matter.
 * But a key that opens and never signs is not opened in a tight circle.
 */
function signFailed(state: Supervision, fault: ProviderFault): SupervisionStep {
  if (fault.remedy === 'restart') return givenUp(state, fault);
  const signFailures = state.signFailures + 1;
  const afterMs = signFailures === 1 ? 0 : delayMs(signFailures - 1);
  const next: Supervision = { ...state, phase: 'opening', signFailures };
  return outOfService(next, fault, { kind: 'open', afterMs });
}

function givenUp(state: Supervision, fault: ProviderFault): SupervisionStep {
  return outOfService({ ...state, phase: 'given-up' }, fault, { kind: 'give-up' });
}

function outOfService(
  state: Supervision,
  fault: ProviderFault,
  action: SupervisionAction,
): SupervisionStep {
  const { codes } = state;
  const next = { ...state, fault };
  if (codes.includes(fault.code) && action.kind !== 'give-up') return { state: next, action };
  const isFirst = codes.length === 0;
  return {
    state: { ...next, codes: [...codes, fault.code] },
    action,
    notice: {
      level: isFirst || fault.remedy !== 'wait' ? 'alarm' : 'warn',
      text: isFirst
        ? 'this provider is out of service'
        : 'this provider is still out of service, for another reason',
    },
  };
}

/** After so many failures in a row, at least one. */
function delayMs(failures: number): number {
  return Math.min(REOPEN_DELAY_MS.max, REOPEN_DELAY_MS.first * 2 ** (failures - 1));
}
