/**
 * The double-sign rule, and nothing else. Pure and synchronous: no clock, no I/O, no logger.
 *
 * Every store decides with this function inside its transaction; nothing else in the product
 * compares a request with a floor.
 */
import { differOnlyInTimestamp, InvalidSignBytesError } from '@privval/proto/codec/sign-bytes';
import type { Refusal, RefusalReason } from '@privval/proto/privval/priv-validator';
import { equalBytes } from '@privval/proto/runtime/bytes';
import { type Hrs, isValidPosition, STEP_NUMBER } from './hrs.ts';
import type { Floor } from './sign-state-store.ts';

/** How far above everything known a request may ask (S33). One digit too many is refused, a long stop is not. */
export const MAX_HEIGHT_JUMP = 10_000_000n;

/** What is asked of {@link decide}. */
export interface Ask {
  readonly at: Hrs;
  /** With their length prefix. */
  readonly signBytes: Uint8Array;
}

/** What else is known about the chain. */
export interface DecideLimits {
  /** The highest block anybody trustworthy has told of; `undefined` while nobody has. */
  readonly tip?: bigint | undefined;
}

/**
 * Outcome of {@link decide}.
 *
 * `advance`: strictly newer; the floor moves to the position asked, with the bytes asked. `repeat`:
 * the floor stands there already with the same message; what may be signed, or was, are the
 * floor's own bytes (S5, S6), and the floor does not change.
 */
export type Verdict =
  | { readonly kind: 'advance' }
  | { readonly kind: 'repeat'; readonly signBytes: Uint8Array }
  | Refusal;

/**
 * Whether `ask` may be signed over `floor`.
 *
 * Invariant: over any sequence of asks, with the floor moved as the verdicts say, at most one byte
 * string is ever allowed at one position. The texts begin as FilePV's (spec/privval.md 5.4),
 * which operators know how to search for.
 */
export function decide(floor: Floor, ask: Ask, limits: DecideLimits = {}): Verdict {
  const { at } = ask;
  // NaN or a step of another name would pass every comparison below.
  if (!isValidPosition(at) || STEP_NUMBER[at.step] === 0 || ask.signBytes.length === 0) {
    return refuse(
      'invalid-request',
      'ERR_INVALID_POSITION',
      `no such position to sign at: height ${at.height}, round ${at.round}, step ${at.step}`,
    );
  }
  if (at.height < floor.height) {
    return refuse(
      'height-regression',
      'ERR_HEIGHT_REGRESSION',
      `height regression. Got ${at.height}, last height ${floor.height}`,
    );
  }
  if (at.height > floor.height) return decideHeightAbove(floor, at, limits);
  if (at.round < floor.round) {
    return refuse(
      'round-regression',
      'ERR_ROUND_REGRESSION',
      `round regression at height ${at.height}. Got ${at.round}, last round ${floor.round}`,
    );
  }
  if (at.round > floor.round) return { kind: 'advance' };
  const asked = STEP_NUMBER[at.step];
  const last = STEP_NUMBER[floor.step];
  if (asked < last) {
    return refuse(
      'step-regression',
      'ERR_STEP_REGRESSION',
      `step regression at height ${at.height} round ${at.round}. Got ${asked}, last step ${last}`,
    );
  }
  if (asked > last) return { kind: 'advance' };
  return decideSamePosition(floor, ask);
}

function decideHeightAbove(floor: Floor, at: Hrs, { tip }: DecideLimits): Verdict {
  const nothingKnown = floor.height === 0n && tip === undefined;
  const known = tip !== undefined && tip > floor.height ? tip : floor.height;
  if (nothingKnown || at.height - known <= MAX_HEIGHT_JUMP) return { kind: 'advance' };
  return refuse(
    'height-jump',
    'ERR_HEIGHT_JUMP',
    `height jump. Got ${at.height}, last height ${floor.height}` +
      `${tip === undefined ? '' : `, chain at ${tip}`}: more than ${MAX_HEIGHT_JUMP} above, and a ` +
      'floor never comes down again. If the chain really is there, raise the floor: signer state ' +
      'import --floor-height N --confirm VALIDATOR, with N the last height of the chain',
  );
}

function decideSamePosition(floor: Floor, ask: Ask): Verdict {
  const stored = floor.signBytes;
  // An empty byte string is no sign bytes: a state file may say `"signbytes": ""`.
  if (stored === undefined || stored.length === 0) {
    return refuse(
      'floor-without-sign-bytes',
      'ERR_FLOOR_WITHOUT_SIGN_BYTES',
      `no SignBytes found: the floor stands at exactly ${ask.at.height}/${ask.at.round}/${ask.at.step} ` +
        'without the message signed there, so nothing more is signed there; the next step will be',
    );
  }
  if (sameMessage(stored, ask.signBytes)) return { kind: 'repeat', signBytes: stored };
  return refuse(
    'conflicting-sign-bytes',
    'ERR_CONFLICTING_SIGN_BYTES',
    `conflicting data at height ${ask.at.height} round ${ask.at.round} ${ask.at.step}: ` +
      'another message was signed, or promised a signature, there',
  );
}

/** The same bytes, or one message at two times (spec/privval.md 5.4). What cannot be read is another message. */
function sameMessage(stored: Uint8Array, asked: Uint8Array): boolean {
  if (equalBytes(stored, asked)) return true;
  try {
    return differOnlyInTimestamp(stored, asked);
  } catch (error) {
    if (error instanceof InvalidSignBytesError) return false;
    throw error;
  }
}

function refuse(reason: RefusalReason, code: `ERR_${string}`, text: string): Refusal {
  return { kind: 'refused', reason, code, text };
}
