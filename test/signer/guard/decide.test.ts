import { parseChainId } from '@privval/proto/types/chain-id';
import { decide, MAX_HEIGHT_JUMP } from '@privval/signer/guard/decide';
import { comparePositions, type Hrs, MAX_HEIGHT, MAX_ROUND } from '@privval/signer/guard/hrs';
import type { Floor } from '@privval/signer/guard/sign-state-store';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hrs, type Message, signBytesOf } from '../../harness/sign-requests.ts';

/** A floor at which `message` was reserved. */
function floorOf(message: Message): Floor {
  return { ...message.at, signBytes: signBytesOf(message) };
}

function verdict(floor: Floor, message: Message, tip?: bigint): string {
  const decided = decide(floor, { at: message.at, signBytes: signBytesOf(message) }, { tip });
  return decided.kind === 'refused' ? decided.code : decided.kind;
}

const AT = hrs(10, 2, 'prevote');
const FLOOR = floorOf({ at: AT });

describe('order of height, round and step', () => {
  test.each([
    ['a higher height signs, at whatever round and step', hrs(11, 0, 'propose'), 'advance'],
    ['a height skipped is signed', hrs(500, 0, 'propose'), 'advance'],
    [
      'a lower height is refused, at whatever round and step',
      hrs(9, 9, 'precommit'),
      'ERR_HEIGHT_REGRESSION',
    ],
    ['a higher round of the height signs', hrs(10, 3, 'propose'), 'advance'],
    ['a round skipped is signed', hrs(10, 99, 'propose'), 'advance'],
    ['a lower round is refused, at whatever step', hrs(10, 1, 'precommit'), 'ERR_ROUND_REGRESSION'],
    ['a later step of the round signs', hrs(10, 2, 'precommit'), 'advance'],
    [
      'an earlier step of the round is refused: no proposal after a prevote',
      hrs(10, 2, 'propose'),
      'ERR_STEP_REGRESSION',
    ],
    ['the same position is a repeat', hrs(10, 2, 'prevote'), 'repeat'],
  ] satisfies [string, Hrs, string][])('%s', (_sentence, at, expected) => {
    expect(verdict(FLOOR, { at })).toBe(expected);
  });

  test.each([
    [
      'a fresh floor signs a proposal at 1/0',
      { height: 0n, round: 0, step: 'none' },
      hrs(1, 0, 'propose'),
    ],
    [
      'a fresh floor signs at height 0 as well',
      { height: 0n, round: 0, step: 'none' },
      hrs(0, 0, 'propose'),
    ],
    [
      'a floor at step none signs the first step of its own round',
      { height: 7n, round: 1, step: 'none' },
      hrs(7, 1, 'propose'),
    ],
  ] satisfies [string, Floor, Hrs][])('%s', (_sentence, floor, at) => {
    expect(verdict(floor, { at })).toBe('advance');
  });

  test('a precommit for B after a prevote for A in one round is signed: steps are not compared with each other', () => {
    expect(verdict(FLOOR, { at: hrs(10, 2, 'precommit'), block: 'B' })).toBe('advance');
  });
});

describe('at the very position of the floor', () => {
  const precommit: Message = { at: hrs(10, 2, 'precommit'), block: 'A', seconds: 100 };
  const proposal: Message = { at: hrs(10, 2, 'propose'), block: 'A', seconds: 100, polRound: 1 };
  test.each([
    ['the same vote again is a repeat', precommit, precommit, 'repeat'],
    [
      'the same vote at a later time is a repeat',
      precommit,
      { ...precommit, seconds: 200 },
      'repeat',
    ],
    [
      'the same vote at an earlier time is a repeat',
      precommit,
      { ...precommit, seconds: 50 },
      'repeat',
    ],
    [
      'another block is a conflict',
      precommit,
      { ...precommit, block: 'B' },
      'ERR_CONFLICTING_SIGN_BYTES',
    ],
    [
      'another block at another time is a conflict',
      precommit,
      { ...precommit, block: 'B', seconds: 200 },
      'ERR_CONFLICTING_SIGN_BYTES',
    ],
    [
      'nil after a block is a conflict',
      precommit,
      { ...precommit, block: 'nil' },
      'ERR_CONFLICTING_SIGN_BYTES',
    ],
    [
      'a block after nil is a conflict',
      { ...precommit, block: 'nil' },
      precommit,
      'ERR_CONFLICTING_SIGN_BYTES',
    ],
    [
      'another chain is a conflict',
      precommit,
      { ...precommit, chainId: parseChainId('elsewhere') },
      'ERR_CONFLICTING_SIGN_BYTES',
    ],
    ['the same proposal again is a repeat', proposal, proposal, 'repeat'],
    [
      'the same proposal at another time is a repeat',
      proposal,
      { ...proposal, seconds: 101 },
      'repeat',
    ],
    [
      'a proposal with another POL round is a conflict',
      proposal,
      { ...proposal, polRound: 0 },
      'ERR_CONFLICTING_SIGN_BYTES',
    ],
    [
      'another block proposed is a conflict',
      proposal,
      { ...proposal, block: 'B' },
      'ERR_CONFLICTING_SIGN_BYTES',
    ],
  ] satisfies [string, Message, Message, string][])('%s', (_sentence, first, second, expected) => {
    expect(verdict(floorOf(first), second)).toBe(expected);
  });

  test('S5, S6: a repeat is of the stored bytes, not of the ones asked, with or without a signature', () => {
    for (const signature of [undefined, new Uint8Array(64)]) {
      const floor = { ...floorOf(precommit), signature };
      const asked = { at: precommit.at, signBytes: signBytesOf({ ...precommit, seconds: 200 }) };
      expect(decide(floor, asked)).toEqual({ kind: 'repeat', signBytes: signBytesOf(precommit) });
    }
  });

  test('S3: a floor without sign bytes refuses exactly its own position', () => {
    for (const signBytes of [undefined, new Uint8Array(0)]) {
      const floor: Floor = { ...hrs(10, 2, 'prevote'), signBytes };
      expect(verdict(floor, { at: hrs(10, 2, 'prevote') })).toBe('ERR_FLOOR_WITHOUT_SIGN_BYTES');
      expect(verdict(floor, { at: hrs(10, 2, 'propose') })).toBe('ERR_STEP_REGRESSION');
      expect(verdict(floor, { at: hrs(10, 2, 'precommit') })).toBe('advance');
      expect(verdict(floor, { at: hrs(10, 3, 'propose') })).toBe('advance');
    }
  });

  test('S2: --floor-height N refuses everything at N and signs the first step of N + 1', () => {
    const floor: Floor = { height: 10n, round: MAX_ROUND, step: 'precommit' };
    expect(verdict(floor, { at: hrs(10, 0, 'propose') })).toBe('ERR_ROUND_REGRESSION');
    expect(verdict(floor, { at: hrs(10, MAX_ROUND, 'precommit') })).toBe(
      'ERR_FLOOR_WITHOUT_SIGN_BYTES',
    );
    expect(verdict(floor, { at: hrs(11, 0, 'propose') })).toBe('advance');
  });

  test('stored bytes that nobody can read are another message', () => {
    const floor: Floor = { ...AT, signBytes: new Uint8Array([1, 2, 3]) };
    expect(verdict(floor, { at: AT })).toBe('ERR_CONFLICTING_SIGN_BYTES');
  });
});

describe('S33: a jump in height', () => {
  const height = 1_000n;
  const floor: Floor = { height, round: 0, step: 'precommit' };
  const fresh: Floor = { height: 0n, round: 0, step: 'none' };
  test.each([
    ['10,000,000 above the floor is signed', floor, height + MAX_HEIGHT_JUMP, undefined, 'advance'],
    ['one more is refused', floor, height + MAX_HEIGHT_JUMP + 1n, undefined, 'ERR_HEIGHT_JUMP'],
    ['2^62 is refused', floor, 2n ** 62n, undefined, 'ERR_HEIGHT_JUMP'],
    ['the last height there is is refused', floor, MAX_HEIGHT, undefined, 'ERR_HEIGHT_JUMP'],
    ['a fresh floor with no tip known takes any height', fresh, 2n ** 62n, undefined, 'advance'],
    [
      'a fresh floor with a tip known is bound to it',
      fresh,
      5n + MAX_HEIGHT_JUMP + 1n,
      5n,
      'ERR_HEIGHT_JUMP',
    ],
    [
      'a fresh floor takes the chain as far as its tip allows',
      fresh,
      5n + MAX_HEIGHT_JUMP,
      5n,
      'advance',
    ],
    ['a tip above the floor counts', floor, 90_000_000n, 80_000_000n, 'advance'],
    [
      'a tip below the floor does not count',
      floor,
      height + MAX_HEIGHT_JUMP + 1n,
      2n,
      'ERR_HEIGHT_JUMP',
    ],
  ] satisfies [string, Floor, bigint, bigint | undefined, string][])(
    '%s',
    (_sentence, at, asked, tip, expected) => {
      expect(verdict(at, { at: hrs(asked, 0, 'prevote') }, tip)).toBe(expected);
    },
  );

  test('the refusal says how to raise the floor', () => {
    const at = hrs(2n ** 62n, 0, 'prevote');
    expect(decide(floor, { at, signBytes: signBytesOf({ at }) })).toMatchObject({
      reason: 'height-jump',
      text: expect.stringContaining('--floor-height'),
    });
  });
});

describe("texts begin as FilePV's, which operators search for", () => {
  test.each([
    [{ at: hrs(9, 0, 'prevote') }, 'height regression. Got 9, last height 10'],
    [{ at: hrs(10, 1, 'prevote') }, 'round regression at height 10. Got 1, last round 2'],
    [{ at: hrs(10, 2, 'propose') }, 'step regression at height 10 round 2. Got 1, last step 2'],
    [{ at: AT, block: 'B' }, 'conflicting data'],
  ] satisfies [Message, string][])('%o', (message, text) => {
    const decided = decide(FLOOR, { at: message.at, signBytes: signBytesOf(message) });
    expect(decided).toMatchObject({ kind: 'refused', text: expect.stringMatching(`^${text}`) });
  });

  test('a floor without sign bytes', () => {
    expect(decide({ ...AT }, { at: AT, signBytes: signBytesOf({ at: AT }) })).toMatchObject({
      text: expect.stringMatching('^no SignBytes found'),
    });
  });
});

describe('positions the protocol does not have are refused, never compared', () => {
  test.each([
    ['a negative height', { ...AT, height: -1n }],
    ['a height beyond int64', { ...AT, height: 2n ** 63n }],
    ['a negative round', { ...AT, round: -1 }],
    ['a round beyond int32', { ...AT, round: 2 ** 31 }],
    ['a round that is not a number', { ...AT, round: Number.NaN }],
    ['a round between two', { ...AT, round: 2.5 }],
    ['the step none', { ...AT, step: 'none' as unknown as Hrs['step'] }],
    ['a step of another name', { ...AT, step: 'toString' as unknown as Hrs['step'] }],
  ])('%s', (_name, at) => {
    const signBytes = signBytesOf({ at: AT });
    expect(decide(FLOOR, { at, signBytes })).toMatchObject({ code: 'ERR_INVALID_POSITION' });
    const fresh: Floor = { height: 0n, round: 0, step: 'none' };
    expect(decide(fresh, { at, signBytes })).toMatchObject({ code: 'ERR_INVALID_POSITION' });
  });

  test('a message of no bytes', () => {
    expect(
      decide(FLOOR, { at: hrs(11, 0, 'prevote'), signBytes: new Uint8Array(0) }),
    ).toMatchObject({
      code: 'ERR_INVALID_POSITION',
    });
  });
});

/** Every message ever allowed, in a list, looked through from its start: slow and obvious. */
class Oracle {
  readonly #allowed: { readonly message: Message; readonly bytes: string }[] = [];

  expectedOf(message: Message): string {
    const sameAgain = this.#allowed.find(
      ({ message: last }) => comparePositions(last.at, message.at) === 0,
    );
    const above = this.#allowed.some(
      ({ message: last }) => comparePositions(last.at, message.at) > 0,
    );
    if (above) return 'refused';
    if (sameAgain === undefined) {
      this.#allowed.push({ message, bytes: signBytesOf(message).toHex() });
      return signBytesOf(message).toHex();
    }
    const sameBlock = (sameAgain.message.block ?? 'A') === (message.block ?? 'A');
    return sameBlock ? sameAgain.bytes : 'refused';
  }
}

const anyMessage: fc.Arbitrary<Message> = fc.record({
  at: fc.record({
    height: fc.integer({ min: 1, max: 3 }).map(BigInt),
    round: fc.integer({ min: 0, max: 2 }),
    step: fc.constantFrom('propose', 'prevote', 'precommit'),
  }),
  block: fc.constantFrom('A', 'B', 'nil'),
  seconds: fc.integer({ min: 1, max: 3 }),
});

test('over any sequence of requests exactly what the oracle allows is allowed, and one byte string per position', async () => {
  await fc.assert(
    fc.property(fc.array(anyMessage, { maxLength: 60 }), (messages) => {
      const oracle = new Oracle();
      const allowed = new Map<string, string>();
      let floor: Floor = { height: 0n, round: 0, step: 'none' };
      for (const message of messages) {
        const signBytes = signBytesOf(message);
        const decided = decide(floor, { at: message.at, signBytes });
        if (decided.kind === 'advance') floor = { ...message.at, signBytes };
        const given =
          decided.kind === 'refused'
            ? 'refused'
            : (decided.kind === 'advance' ? signBytes : decided.signBytes).toHex();
        expect(given).toBe(oracle.expectedOf(message));
        if (given === 'refused') continue;
        const { height, round, step } = message.at;
        const position = `${height}/${round}/${step}`;
        expect(allowed.get(position) ?? given).toBe(given);
        allowed.set(position, given);
      }
    }),
    { numRuns: 400 },
  );
});
