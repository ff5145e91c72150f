import { parseFilePvState } from '@privval/hsm/file/file-pv-state';
import { voteSignBytes } from '@privval/proto/codec/sign-bytes';
import {
  exportState,
  importState,
  type StateImport,
  stateRows,
  validatorRows,
} from '@privval/signer/home/home-state';
import { describe, expect, test } from 'vitest';
import { precommit } from '../../harness/consensus-messages.ts';
import { MemorySignStateStore } from '../../harness/memory-sign-state-store.ts';
import { CHAIN, codeOf, knownPublicKey, knownState } from './home-fixtures.ts';

function storeAt(height: bigint): MemorySignStateStore {
  const store = new MemorySignStateStore();
  store.addValidator(
    { name: 'main', chainId: CHAIN, publicKey: knownPublicKey().bytes },
    { height, round: 0, step: height === 0n ? 'none' : 'precommit' },
  );
  return store;
}

function raise(store: MemorySignStateStore, change: Partial<StateImport>) {
  return importState(store, { validator: 'main', confirm: 'main', ...change });
}

test('a floor is shown with its height as a decimal text and its step as a number', () => {
  const store = storeAt(9_223_372_036_854_775_807n);
  expect(stateRows(store)).toEqual([
    {
      validator: 'main',
      chainId: 'chain-1',
      height: '9223372036854775807',
      round: 0,
      step: 3,
    },
  ]);
});

test('a validator is shown with the key that signs next, else with its first', () => {
  const next = new Uint8Array(32).fill(0xab);
  expect(validatorRows(storeAt(0n), () => next)).toMatchObject([{ publicKeyHex: 'ab'.repeat(32) }]);
  expect(validatorRows(storeAt(0n), () => undefined)).toMatchObject([
    {
      name: 'main',
      publicKeyHex: '556a436f1218d30942efe798420f51dc9b6a311b929c578257457d05c5fcf230',
      address: 'DC52D5CF8DFD1793D71038B342A29B01AD8A5D63',
    },
  ]);
});

describe('signer state import', () => {
  test('S3: raises to the state file, with its sign bytes', () => {
    const store = storeAt(5n);
    const result = raise(store, { state: knownState(7n) });
    expect(result).toMatchObject({
      isRaised: true,
      before: { height: '5' },
      after: { height: '7', round: 0, step: 3 },
    });
    expect(store.floor('main').signBytes).toBeDefined();
  });

  test('S3: never lowers, and says so without being asked to confirm', () => {
    const store = storeAt(9n);
    expect(raise(store, { state: knownState(7n), confirm: undefined }).isRaised).toBe(false);
    expect(raise(store, { floorHeight: 8n, confirm: undefined }).isRaised).toBe(false);
    expect(store.floor('main').height).toBe(9n);
  });

  test('S3: at our own position with bytes of its own it leaves a floor that refuses everything there', () => {
    const store = storeAt(0n);
    const at = { height: 7n, round: 0, step: 'precommit' } as const;
    const signBytes = voteSignBytes(
      CHAIN,
      precommit({ height: 7n, timestamp: { seconds: 1n, nanos: 0 } }),
    );
    store.reserve([{ validator: 'main', at, signBytes }]);
    expect(raise(store, { state: knownState(7n) }).isRaised).toBe(true);
    expect(store.floor('main').signBytes).toBeUndefined();
    const [decision] = store.reserve([{ validator: 'main', at, signBytes }]);
    expect(decision).toMatchObject({ kind: 'refused' });
  });

  test.each([undefined, 'mian', ''])(
    'S33: needs the name when no tip is known (%s)',
    async (confirm) => {
      const store = storeAt(5n);
      expect(await codeOf(() => raise(store, { floorHeight: 6n, confirm }))).toBe(
        'ERR_CONFIRMATION_REQUIRED',
      );
      expect(store.floor('main').height).toBe(5n);
    },
  );

  test('S12: refuses a stale file, unless a height comes with it; the maximum counts', async () => {
    const store = storeAt(5n);
    const state = knownState(7n, { isStale: true });
    expect(await codeOf(() => raise(store, { state }))).toBe('ERR_STATE_FILE_STALE');
    expect(raise(store, { state, floorHeight: 6n }).after.height).toBe('7');
  });

  test('refuses what is not a state file of this validator', async () => {
    const store = storeAt(5n);
    const bytes = new TextEncoder().encode('{}');
    expect(await codeOf(() => raise(store, { state: bytes }))).toBe('ERR_STATE_FILE_MALFORMED');
    expect(await codeOf(() => raise(store, { validator: 'x', floorHeight: 6n }))).toBe(
      'ERR_UNKNOWN_VALIDATOR',
    );
  });
});

test('S12: the export of a home that is being served is marked stale, another is not', () => {
  const store = storeAt(5n);
  for (const isStale of [true, false]) {
    const file = exportState(store, { validator: 'main', isStale });
    expect(parseFilePvState(file)).toMatchObject({ height: 5n, step: 'precommit', isStale });
  }
});
