/** What every store of floors does, whatever it is made of. */
import { equalBytes } from '@privval/proto/runtime/bytes';
import { parseChainId } from '@privval/proto/types/chain-id';
import type { Hrs } from '@privval/signer/guard/hrs';
import type {
  Decision,
  Floor,
  Reservation,
  SignStateStore,
  ValidatorRecord,
} from '@privval/signer/guard/sign-state-store';
import { describe, expect, test } from 'vitest';
import { CHAIN, hrs, signBytesOf } from '../harness/sign-requests.ts';

const KEY = new Uint8Array(32).fill(1);
const OTHER_KEY = new Uint8Array(32).fill(2);
const SIGNATURE = new Uint8Array(64).fill(7);

/** A floor of height 0, at which nothing was signed. */
export const FRESH: Floor = { height: 0n, round: 0, step: 'none' };

const record = (name: string, publicKey: Uint8Array = KEY): ValidatorRecord => ({
  name,
  chainId: CHAIN,
  publicKey,
});

/** A reservation for block `block` at `at`, by validator `a`. */
function asking(at: Hrs, block = 'A', seconds?: number, validator = 'a'): Reservation {
  return { validator, at, signBytes: signBytesOf({ at, block, seconds }) };
}

function reserveOne(store: SignStateStore, reservation: Reservation): Decision {
  const [decision] = store.reserve([reservation]);
  if (decision === undefined) throw new Error('no decision');
  return decision;
}

/** A store, and a second life of it where it has one. */
export interface StoreUnderTest {
  readonly store: SignStateStore;
  /** Closes the store and opens what it left on the disk; `undefined` where nothing outlives it. */
  readonly reopen?: (() => Promise<SignStateStore>) | undefined;
}

/** Declares the suite for one kind of store. `open` gives an empty one, disposed by the suite. */
export function describeSignStateStore(kind: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${kind} keeps the contract of a sign state store`, () => {
    async function withValidator(floor: Floor = FRESH): Promise<StoreUnderTest> {
      const under = await open();
      under.store.addValidator(record('a'), floor);
      return under;
    }

    test('signs at a position above the floor, with the bytes asked and the validator’s key', async () => {
      const { store } = await withValidator();
      await using _ = store;
      const asked = asking(hrs(5, 0, 'prevote'));
      expect(reserveOne(store, asked)).toEqual({
        kind: 'sign',
        signBytes: asked.signBytes,
        publicKey: KEY,
        signature: undefined,
        isRepeat: false,
      });
      expect(store.floor('a')).toMatchObject({ ...asked.at, signBytes: asked.signBytes });
    });

    test("S5: what comes back is the row's, whatever the caller does to its own array afterwards", async () => {
      const { store } = await withValidator();
      await using _ = store;
      const asked = asking(hrs(5, 0, 'prevote'));
      const original = asked.signBytes.slice();
      const first = reserveOne(store, asked);
      asked.signBytes.fill(0xee);
      if (first.kind === 'sign') first.signBytes.fill(0xdd);
      store.floor('a').signBytes?.fill(0xcc);
      expect(reserveOne(store, { ...asked, signBytes: original })).toMatchObject({
        kind: 'sign',
        signBytes: original,
      });
    });

    test('S6: the same message at another time gets the stored bytes and the stored key', async () => {
      const { store } = await withValidator();
      await using _ = store;
      const first = asking(hrs(5, 0, 'precommit'), 'A', 100);
      reserveOne(store, first);
      const later = { ...asking(hrs(5, 0, 'precommit'), 'A', 200), publicKey: OTHER_KEY };
      expect(reserveOne(store, later)).toEqual({
        kind: 'sign',
        signBytes: first.signBytes,
        publicKey: KEY,
        signature: undefined,
        isRepeat: true,
      });
    });

    test('refuses another block at the same position, and what is below it', async () => {
      const { store } = await withValidator();
      await using _ = store;
      reserveOne(store, asking(hrs(5, 1, 'prevote')));
      const codeOf = (reservation: Reservation): unknown => {
        const decision = reserveOne(store, reservation);
        return decision.kind === 'refused' ? decision.code : decision.kind;
      };
      expect(codeOf(asking(hrs(5, 1, 'prevote'), 'B'))).toBe('ERR_CONFLICTING_SIGN_BYTES');
      expect(codeOf(asking(hrs(5, 1, 'propose')))).toBe('ERR_STEP_REGRESSION');
      expect(codeOf(asking(hrs(5, 0, 'precommit')))).toBe('ERR_ROUND_REGRESSION');
      expect(codeOf(asking(hrs(4, 9, 'precommit')))).toBe('ERR_HEIGHT_REGRESSION');
      expect(codeOf(asking(hrs(5, 1, 'precommit')))).toBe('sign');
    });

    test('decides a batch in order, each seeing the ones before it', async () => {
      const { store } = await withValidator();
      await using _ = store;
      store.addValidator(record('b', OTHER_KEY), FRESH);
      const kinds = store
        .reserve([
          asking(hrs(5, 0, 'prevote'), 'A'),
          asking(hrs(5, 0, 'prevote'), 'B'),
          asking(hrs(5, 0, 'prevote'), 'B', undefined, 'b'),
          asking(hrs(5, 0, 'precommit'), 'B'),
          asking(hrs(5, 0, 'prevote'), 'A'),
        ])
        .map((decision) => (decision.kind === 'refused' ? decision.code : decision.kind));
      expect(kinds).toEqual([
        'sign',
        'ERR_CONFLICTING_SIGN_BYTES',
        'sign',
        'sign',
        'ERR_STEP_REGRESSION',
      ]);
      expect(store.floor('a').step).toBe('precommit');
    });

    test('S33: refuses a jump of more than 10,000,000 heights, and the floor stays', async () => {
      const { store } = await withValidator({ ...FRESH, height: 1n });
      await using _ = store;
      expect(reserveOne(store, asking(hrs(10_000_002, 0, 'prevote')))).toMatchObject({
        code: 'ERR_HEIGHT_JUMP',
      });
      expect(store.floor('a').height).toBe(1n);
    });

    test('S7: keeps a signature only for exactly the bytes of the row', async () => {
      const { store } = await withValidator();
      await using _ = store;
      const prevote = asking(hrs(5, 0, 'prevote'));
      const precommit = asking(hrs(5, 0, 'precommit'));
      reserveOne(store, prevote);
      reserveOne(store, precommit);
      expect(store.recordSignature('a', prevote.signBytes, SIGNATURE)).toBe(false);
      expect(store.floor('a').signature).toBeUndefined();
      expect(store.recordSignature('a', precommit.signBytes, SIGNATURE)).toBe(true);
      expect(reserveOne(store, precommit)).toMatchObject({ signature: SIGNATURE });
    });

    test('a signature does not survive the move to the next position', async () => {
      const { store } = await withValidator();
      await using _ = store;
      const prevote = asking(hrs(5, 0, 'prevote'));
      reserveOne(store, prevote);
      store.recordSignature('a', prevote.signBytes, SIGNATURE);
      expect(reserveOne(store, asking(hrs(5, 0, 'precommit')))).toMatchObject({
        kind: 'sign',
        signature: undefined,
      });
    });

    test('S1: one name, one key on one chain, one floor', async () => {
      const { store } = await withValidator();
      await using _ = store;
      const duplicate = (key: typeof KEY, name: string): (() => void) => {
        return () => store.addValidator(record(name, key), FRESH);
      };
      expect(duplicate(OTHER_KEY, 'a')).toThrow(
        expect.objectContaining({ code: 'ERR_DUPLICATE_VALIDATOR', duplicate: 'name' }),
      );
      expect(duplicate(KEY, 'b')).toThrow(
        expect.objectContaining({ code: 'ERR_DUPLICATE_VALIDATOR', duplicate: 'key' }),
      );
      store.addValidator({ ...record('c'), chainId: parseChainId('another-chain') }, FRESH);
      expect(store.validators().map(({ name }) => name)).toEqual(['a', 'c']);
      expect(store.validator('a')).toEqual(record('a'));
    });

    test('S3, S4: raising takes the maximum and never lowers', async () => {
      const { store } = await withValidator();
      await using _ = store;
      reserveOne(store, asking(hrs(5, 0, 'prevote')));
      const before = store.floor('a');
      expect(store.raiseFloor('a', { height: 4n, round: 9, step: 'precommit' })).toEqual(before);
      expect(store.floor('a')).toEqual(before);
      const higher: Floor = { height: 9n, round: 2_147_483_647, step: 'precommit' };
      expect(store.raiseFloor('a', higher)).toMatchObject(higher);
      expect(reserveOne(store, asking(hrs(9, 0, 'prevote')))).toMatchObject({
        code: 'ERR_ROUND_REGRESSION',
      });
      expect(reserveOne(store, asking(hrs(10, 0, 'propose'))).kind).toBe('sign');
    });

    test('S3: an import at our own position with other bytes, or none, leaves a row that refuses everything there', async () => {
      const other = signBytesOf({ at: hrs(5, 0, 'prevote'), block: 'B' });
      for (const foreign of [other, undefined]) {
        const { store } = await withValidator();
        await using _ = store;
        const ours = asking(hrs(5, 0, 'prevote'), 'A');
        reserveOne(store, ours);
        store.raiseFloor('a', { ...ours.at, signBytes: foreign });
        for (const block of ['A', 'B', 'nil']) {
          expect(reserveOne(store, asking(ours.at, block))).toMatchObject({
            code: 'ERR_FLOOR_WITHOUT_SIGN_BYTES',
          });
        }
        expect(reserveOne(store, asking(hrs(5, 0, 'precommit'))).kind).toBe('sign');
      }
    });

    test('S3: an import that tells of our own message changes nothing', async () => {
      const { store } = await withValidator();
      await using _ = store;
      const ours = asking(hrs(5, 0, 'prevote'));
      reserveOne(store, ours);
      store.raiseFloor('a', { ...ours.at, signBytes: ours.signBytes });
      expect(store.releaseRefusal('a', ours.at)).toBe(undefined);
      expect(reserveOne(store, ours).kind).toBe('sign');
    });

    test('tells which positions a floor from outside has come in over', async () => {
      const { store } = await withValidator();
      await using _ = store;
      reserveOne(store, asking(hrs(9, 0, 'prevote')));
      store.raiseFloor('a', { height: 5n, round: 0, step: 'prevote' });
      const refusalAt = (at: Hrs): string | undefined => store.releaseRefusal('a', at)?.code;
      expect(refusalAt(hrs(5, 0, 'propose'))).toBe('ERR_FLOOR_RAISED');
      expect(refusalAt(hrs(5, 0, 'prevote'))).toBe('ERR_FLOOR_RAISED');
      expect(refusalAt(hrs(5, 0, 'precommit'))).toBe(undefined);
      expect(refusalAt(hrs(9, 0, 'prevote'))).toBe(undefined);
    });

    test.each([
      ['a negative height', { ...FRESH, height: -1n }],
      ['a height beyond int64', { ...FRESH, height: 2n ** 63n }],
      ['a round beyond int32', { ...FRESH, round: 2 ** 31 }],
      ['a round that is no whole number', { ...FRESH, round: 0.5 }],
      ['empty sign bytes', { ...FRESH, step: 'prevote', signBytes: new Uint8Array(0) }],
      ['a signature without what was signed', { ...FRESH, signature: SIGNATURE }],
      ['sign bytes at step none', { ...FRESH, signBytes: new Uint8Array(3) }],
    ] satisfies [string, Floor][])('stores no floor with %s', async (_name, floor) => {
      const { store } = await withValidator();
      await using _ = store;
      const invalid = expect.objectContaining({ code: 'ERR_INVALID_FLOOR' });
      expect(() => store.raiseFloor('a', floor)).toThrow(invalid);
      expect(() => store.addValidator(record('b', OTHER_KEY), floor)).toThrow(invalid);
    });

    test('keeps the largest int64 and int32 exactly', async () => {
      const highest: Floor = { height: 2n ** 63n - 1n, round: 2 ** 31 - 1, step: 'precommit' };
      const { store, reopen } = await withValidator(highest);
      const again = (await reopen?.()) ?? store;
      await using _ = again;
      expect(again.floor('a')).toMatchObject(highest);
    });

    test('knows nothing of a validator that was not added', async () => {
      const { store } = await withValidator();
      await using _ = store;
      const unknown = expect.objectContaining({ code: 'ERR_UNKNOWN_VALIDATOR', validator: 'x' });
      expect(() => store.floor('x')).toThrow(unknown);
      expect(() => store.validator('x')).toThrow(unknown);
      expect(() => store.reserve([asking(hrs(1, 0, 'prevote'), 'A', 1, 'x')])).toThrow(unknown);
      expect(() => store.raiseFloor('x', FRESH)).toThrow(unknown);
    });

    test('decides nothing once it is closed', async () => {
      const { store } = await withValidator();
      await store[Symbol.asyncDispose]();
      expect(() => store.reserve([asking(hrs(5, 0, 'prevote'))])).toThrow(
        expect.objectContaining({ code: 'ERR_SIGN_STATE_UNAVAILABLE' }),
      );
    });

    test('what was reserved, raised, added and signed is there in its next life', async () => {
      const { store, reopen } = await withValidator();
      if (reopen === undefined) return await store[Symbol.asyncDispose]();
      store.addValidator(record('b', OTHER_KEY), FRESH);
      const asked = asking(hrs(5, 0, 'prevote'));
      reserveOne(store, asked);
      store.recordSignature('a', asked.signBytes, SIGNATURE);
      store.raiseFloor('b', { height: 3n, round: 1, step: 'prevote' });
      await using again = await reopen();
      expect(again.validators()).toEqual([record('a'), record('b', OTHER_KEY)]);
      expect(again.floor('b')).toMatchObject({ height: 3n, round: 1, step: 'prevote' });
      const repeated = reserveOne(again, asked);
      if (repeated.kind !== 'sign') throw new Error(repeated.text);
      expect(equalBytes(repeated.signBytes, asked.signBytes)).toBe(true);
      expect(repeated.signature).toEqual(SIGNATURE);
    });
  });
}
