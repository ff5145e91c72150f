import { createHash } from 'node:crypto';
import { voteSignBytes } from '@privval/proto/codec/sign-bytes';
import { addressFromPublicKey } from '@privval/proto/crypto/public-key';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { hexFromBytes } from '@privval/proto/runtime/bytes';
import { NIL_BLOCK_ID } from '@privval/proto/types/block-id';
import type { WitnessContext } from '@privval/signer/chain/chain-witness';
import { judgeCommit } from '@privval/signer/chain/judge-commit';
import type { SignedHeaderFacts } from '@privval/signer/chain/node-rpc';
import { afterAll, expect, test } from 'vitest';

const CHAIN = 'witnessed';
const ours = Ed25519SecretKey.fromSeed(new Uint8Array(32).fill(1));
const staged = Ed25519SecretKey.fromSeed(new Uint8Array(32).fill(2));
const stranger = Ed25519SecretKey.fromSeed(new Uint8Array(32).fill(3));
afterAll(() => {
  for (const secret of [ours, staged, stranger]) secret[Symbol.dispose]();
});

const HASH = new Uint8Array(32).fill(7);
const TIME = { seconds: 1_700_000_000n, nanos: 5 };

interface Signer {
  readonly by?: Ed25519SecretKey;
  /** Whose address it has. @default the signer's */
  readonly as?: Ed25519SecretKey;
  readonly flag?: 'block' | 'nil';
  readonly chainId?: string;
  readonly isForged?: boolean;
}

function signBytes(height: bigint, round: number, { flag = 'block', chainId = CHAIN }: Signer) {
  const block = { hash: HASH, partSetHeader: { total: 1, hash: HASH } };
  return voteSignBytes(chainId, {
    type: 'precommit',
    height,
    round,
    blockId: flag === 'nil' ? NIL_BLOCK_ID : block,
    timestamp: TIME,
  });
}

function commitOf(height: bigint, round: number, ...signers: Signer[]): SignedHeaderFacts {
  return {
    chainId: CHAIN,
    height,
    round,
    timeMs: 0,
    validatorsHash: HASH,
    nextValidatorsHash: HASH,
    blockId: { hash: HASH, partSetTotal: 1, partSetHash: HASH },
    isCanonical: true,
    signatures: signers.map((signer) => {
      const { by = ours, as = by, flag = 'block', isForged = false } = signer;
      const signature = new Uint8Array(by.sign(signBytes(height, round, signer)));
      if (isForged) signature[0] = (signature[0] ?? 0) ^ 1;
      return { address: addressFromPublicKey(as.publicKey), flag, timestamp: TIME, signature };
    }),
  };
}

/** A floor at 10/1/precommit, over which everything up to 10 was decided but what `undecided` names. */
function context(change: Partial<WitnessContext> = {}): WitnessContext {
  return {
    chainId: CHAIN,
    keys: [ours.publicKey.bytes, staged.publicKey.bytes],
    floor: { height: 10n, round: 1, step: 3 },
    adoptedFloor: 0n,
    holds: () => 'yes',
    ...change,
  };
}

const unknown = { holds: () => 'unknown' as const };
const none = { holds: () => 'no' as const };

test.each<[string, SignedHeaderFacts, Partial<WitnessContext>, string]>([
  ['our own signature, decided here', commitOf(10n, 1, {}), {}, 'clean'],
  ['the first block above the floor', commitOf(11n, 0, {}), {}, 'above-floor'],
  ['a later round of the floor’s height', commitOf(10n, 2, {}), {}, 'above-floor'],
  [
    'a precommit where the floor is at its prevote',
    commitOf(10n, 1, {}),
    { floor: { height: 10n, round: 1, step: 2 } },
    'above-floor',
  ],
  ['a nil precommit above the floor', commitOf(11n, 0, { flag: 'nil' }), {}, 'above-floor'],
  ['a staged key’s signature above the floor', commitOf(11n, 0, { by: staged }), {}, 'above-floor'],
  ['bytes no decision was made on', commitOf(9n, 0, {}), none, 'unknown-bytes'],
  ['bytes of a height that the log does not keep', commitOf(9n, 0, {}), unknown, 'clean'],
  ['bytes at the adopted floor', commitOf(9n, 0, {}), { ...none, adoptedFloor: 9n }, 'clean'],
  [
    'bytes above the adopted floor',
    commitOf(9n, 0, {}),
    { ...none, adoptedFloor: 8n },
    'unknown-bytes',
  ],
  ['a signature by a stranger', commitOf(11n, 0, { by: stranger }), none, 'clean'],
  [
    'a stranger’s signature under our address',
    commitOf(11n, 0, { by: stranger, as: ours }),
    none,
    'clean',
  ],
  ['a forged signature', commitOf(11n, 0, { isForged: true }), none, 'clean'],
  ['our signature for another chain', commitOf(11n, 0, { chainId: 'test' }), none, 'clean'],
  ['a block we did not sign', commitOf(11n, 0), none, 'clean'],
  ['a chain far above the floor, without us', commitOf(1_000n, 0), none, 'far-below'],
  ['a chain far above the floor, with us', commitOf(1_000n, 0, {}), none, 'above-floor'],
])('S36: %s', (_what, commit, change, expected) => {
  const verdict = judgeCommit(commit, context(change));
  expect(verdict.kind === 'proof' ? verdict.finding : verdict.kind).toBe(expected);
});

test('S36: the log is asked for the hash of exactly the bytes that were signed', () => {
  const asked: string[] = [];
  judgeCommit(
    commitOf(9n, 3, {}),
    context({
      holds: ({ height, round }, signHash) => {
        asked.push(`${height}/${round} ${hexFromBytes(signHash)}`);
        return 'yes';
      },
    }),
  );
  const hash = createHash('sha256')
    .update(signBytes(9n, 3, {}))
    .digest('hex');
  expect(asked).toEqual([`9/3 ${hash}`]);
});

test('S36: a signature that was moved to another height or round proves nothing', () => {
  const commit = commitOf(11n, 0, {});
  for (const moved of [
    { ...commit, height: 12n },
    { ...commit, round: 1 },
  ]) {
    expect(judgeCommit(moved, context(none)).kind).toBe('clean');
  }
});
