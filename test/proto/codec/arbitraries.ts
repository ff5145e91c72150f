/** Random domain values for the codec properties: everything a decoder lets through. */
import type { CanonicalMessage } from '@privval/proto/codec/sign-bytes';
import type { PrivvalResponse } from '@privval/proto/privval/messages';
import type { SendableRequest } from '@privval/proto/privval/request-codec';
import { type BlockId, NIL_BLOCK_ID } from '@privval/proto/types/block-id';
import type { Proposal } from '@privval/proto/types/proposal';
import { type Timestamp, ZERO_TIME } from '@privval/proto/types/timestamp';
import type { Vote } from '@privval/proto/types/vote';
import fc from 'fast-check';

const MAX_INT32 = 2_147_483_647;

const hash = fc.oneof(
  fc.constant(new Uint8Array(0)),
  fc.uint8Array({ minLength: 32, maxLength: 32 }),
);

/** A height: small ones, and the edges where numbers stop being exact. */
const height = fc.oneof(
  fc.constantFrom(
    0n,
    1n,
    127n,
    128n,
    2n ** 31n,
    2n ** 32n,
    2n ** 53n,
    2n ** 53n + 1n,
    2n ** 63n - 1n,
  ),
  fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
);

const round = fc.oneof(fc.constantFrom(0, 1, 127, 128, MAX_INT32), fc.nat(MAX_INT32));

const polRound = fc.oneof(fc.constant(-1), round);

const signature = fc.oneof(
  fc.constant(new Uint8Array(0)),
  fc.uint8Array({ minLength: 64, maxLength: 64 }),
);

export const arbitraryBlockId: fc.Arbitrary<BlockId> = fc.oneof(
  fc.constant(NIL_BLOCK_ID),
  fc.record({
    hash,
    partSetHeader: fc.record({
      total: fc.oneof(fc.constantFrom(0, 1, 0xffff_ffff), fc.nat(0xffff_ffff)),
      hash,
    }),
  }),
);

export const arbitraryTimestamp: fc.Arbitrary<Timestamp> = fc.oneof(
  fc.constantFrom(
    ZERO_TIME,
    { seconds: 0n, nanos: 0 },
    { seconds: 253_402_300_799n, nanos: 999_999_999 },
  ),
  fc.record({
    seconds: fc.bigInt({ min: ZERO_TIME.seconds, max: 253_402_300_799n }),
    nanos: fc.nat(999_999_999),
  }),
);

/** At most 50 bytes of UTF-8, any characters. */
export const arbitraryChainId: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom('', 'c', 'test-chain', 'chain-鎖', '\ufeffchain', 'a\u0000b'),
  fc
    .string({ unit: 'binary', maxLength: 12 })
    .filter((text) => new TextEncoder().encode(text).length <= 50 && text.isWellFormed()),
);

export const arbitraryVote: fc.Arbitrary<Vote> = fc.record({
  type: fc.constantFrom('prevote' as const, 'precommit' as const),
  height,
  round,
  blockId: arbitraryBlockId,
  timestamp: arbitraryTimestamp,
  validatorAddress: fc.uint8Array({ maxLength: 32 }),
  validatorIndex: fc.integer({ min: -2_147_483_648, max: MAX_INT32 }),
  signature,
  extension: fc.uint8Array({ maxLength: 300 }),
  extensionSignature: signature,
});

export const arbitraryProposal: fc.Arbitrary<Proposal> = fc.record({
  height,
  round,
  polRound,
  blockId: arbitraryBlockId,
  timestamp: arbitraryTimestamp,
  signature,
});

export const arbitraryCanonicalMessage: fc.Arbitrary<CanonicalMessage> = fc.oneof(
  fc.record({
    kind: fc.constant('vote' as const),
    type: fc.constantFrom('prevote' as const, 'precommit' as const),
    height,
    round,
    blockId: arbitraryBlockId,
    timestamp: arbitraryTimestamp,
    chainId: arbitraryChainId,
  }),
  fc.record({
    kind: fc.constant('proposal' as const),
    height,
    round,
    polRound,
    blockId: arbitraryBlockId,
    timestamp: arbitraryTimestamp,
    chainId: arbitraryChainId,
  }),
);

export const arbitraryRequest: fc.Arbitrary<SendableRequest> = fc.oneof(
  fc.constant({ kind: 'ping' as const }),
  fc.record({ kind: fc.constant('public-key' as const), chainId: arbitraryChainId }),
  fc.record({
    kind: fc.constant('sign-vote' as const),
    chainId: arbitraryChainId,
    vote: arbitraryVote,
    skipExtensionSigning: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('sign-proposal' as const),
    chainId: arbitraryChainId,
    proposal: arbitraryProposal,
  }),
);

const error = fc.record({
  code: fc.integer(),
  description: fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed()),
});

export const arbitraryResponse: fc.Arbitrary<PrivvalResponse> = fc.oneof(
  fc.constantFrom({ kind: 'ping' as const }, { kind: 'empty' as const }),
  fc.record({
    kind: fc.constant('public-key' as const),
    publicKey: fc.record({
      type: fc.constant('ed25519' as const),
      bytes: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    }),
  }),
  fc.record({ kind: fc.constant('signed-vote' as const), vote: arbitraryVote }),
  fc.record({ kind: fc.constant('signed-proposal' as const), proposal: arbitraryProposal }),
  fc.record({ kind: fc.constant('public-key' as const), error }),
  fc.record({ kind: fc.constant('signed-vote' as const), error }),
  fc.record({ kind: fc.constant('signed-proposal' as const), error }),
  fc.record({ kind: fc.constant('sign-bytes' as const), error }),
);
