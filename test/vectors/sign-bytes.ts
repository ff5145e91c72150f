/**
 * Sign bytes, from spec/privval.md 2.7, where each row's origin is named: CometBFT's
 * TestVoteSignBytesTestVectors, runs of tendermint v0.34.24, and tmkms v0.15.0's own tests.
 */
import type { CanonicalProposal, CanonicalVote } from '@privval/proto/codec/sign-bytes';
import type { BlockId } from '@privval/proto/types/block-id';
import { NIL_BLOCK_ID } from '@privval/proto/types/block-id';
import type { Timestamp } from '@privval/proto/types/timestamp';
import { ZERO_TIME } from '@privval/proto/types/timestamp';

/** sha256("blockID_hash"). */
const BLOCK_HASH = Uint8Array.fromHex(
  '8b01023386c371778ecb6368573e539afc3cc860ec3a2f614e54fe5652f4fc80',
);

/** sha256("blockID_part_set_header_hash"). */
const PART_SET_HASH = Uint8Array.fromHex(
  '72db3d959635dff1bb567bedaa70573392c5159666a3f8caf11e413aac52207a',
);

const NO_BYTES = new Uint8Array(0);

/** The sheet's block id "B". */
export const BLOCK_B: BlockId = {
  hash: BLOCK_HASH,
  partSetHeader: { total: 1_000_000, hash: PART_SET_HASH },
};

/** The sheet's time "T", 2019-10-13T16:14:44Z. */
export const TIME_T: Timestamp = { seconds: 1_570_983_284n, nanos: 0 };

/** 2023-10-04T10:00:00Z. */
const TMKMS_TIME: Timestamp = { seconds: 1_696_413_600n, nanos: 0 };

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** A vote and its sign bytes. */
export interface VoteVector {
  readonly title: string;
  readonly vote: CanonicalVote;
  readonly signBytes: string;
}

/** A proposal and its sign bytes. */
export interface ProposalVector {
  readonly title: string;
  readonly proposal: CanonicalProposal;
  readonly signBytes: string;
}

/** A vote extension and its sign bytes. */
export interface ExtensionVector {
  readonly title: string;
  readonly chainId: string;
  readonly extension: Uint8Array;
  readonly height: bigint;
  readonly round: number;
  readonly signBytes: string;
}

function vote(fields: Partial<CanonicalVote>): CanonicalVote {
  return {
    kind: 'vote',
    type: 'prevote',
    height: 10n,
    round: 1,
    blockId: NIL_BLOCK_ID,
    timestamp: TIME_T,
    chainId: 'mychainid',
    ...fields,
  };
}

/** Chain `c`, prevote, height 1, round 0, no block: the base of the sheet's corner cases. */
function corner(fields: Partial<CanonicalVote>): CanonicalVote {
  return vote({ height: 1n, round: 0, chainId: 'c', ...fields });
}

function proposal(fields: Partial<CanonicalProposal>): CanonicalProposal {
  return {
    kind: 'proposal',
    height: 10n,
    round: 1,
    polRound: -1,
    blockId: BLOCK_B,
    timestamp: TIME_T,
    chainId: 'mychainid',
    ...fields,
  };
}

export const VOTE_VECTORS: readonly VoteVector[] = [
  {
    title: 'upstream case 1: precommit, empty chain id, zero time',
    vote: vote({ type: 'precommit', height: 1n, timestamp: ZERO_TIME, chainId: '' }),
    signBytes: '2108021101000000000000001901000000000000002a0b088092b8c398feffffff01',
  },
  {
    title: 'upstream case 2: prevote, empty chain id, zero time',
    vote: vote({ height: 1n, timestamp: ZERO_TIME, chainId: '' }),
    signBytes: '2108011101000000000000001901000000000000002a0b088092b8c398feffffff01',
  },
  {
    title: 'prevote for B',
    vote: vote({ blockId: BLOCK_B }),
    signBytes:
      '730801110a00000000000000190100000000000000224a0a208b01023386c371778ecb6368573e539afc3cc860ec3a2f614e54fe5652f4fc80122608c0843d122072db3d959635dff1bb567bedaa70573392c5159666a3f8caf11e413aac52207a2a0608f49a8ded0532096d79636861696e6964',
  },
  {
    title: 'precommit for B',
    vote: vote({ type: 'precommit', blockId: BLOCK_B }),
    signBytes:
      '730802110a00000000000000190100000000000000224a0a208b01023386c371778ecb6368573e539afc3cc860ec3a2f614e54fe5652f4fc80122608c0843d122072db3d959635dff1bb567bedaa70573392c5159666a3f8caf11e413aac52207a2a0608f49a8ded0532096d79636861696e6964',
  },
  {
    title: 'precommit for nil',
    vote: vote({ type: 'precommit' }),
    signBytes: '270802110a000000000000001901000000000000002a0608f49a8ded0532096d79636861696e6964',
  },
  {
    title: 'the year 1, which an absent time means',
    vote: corner({ round: 1, timestamp: ZERO_TIME }),
    signBytes: '2408011101000000000000001901000000000000002a0b088092b8c398feffffff01320163',
  },
  {
    title: '1970, which an empty time means',
    vote: corner({ round: 1, timestamp: { seconds: 0n, nanos: 0 } }),
    signBytes: '1908011101000000000000001901000000000000002a00320163',
  },
  {
    title: 'nanoseconds 123456789',
    vote: corner({ timestamp: { seconds: 1_570_983_284n, nanos: 123_456_789 } }),
    signBytes: '1b08011101000000000000002a0b08f49a8ded0510959aef3a320163',
  },
  {
    title: '1969-12-31T23:59:59.999999999Z',
    vote: corner({ timestamp: { seconds: -1n, nanos: 999_999_999 } }),
    signBytes: '2108011101000000000000002a1108ffffffffffffffffff0110ff93ebdc03320163',
  },
  {
    title: 'a block id of nothing but a total is not nil',
    vote: corner({ blockId: { hash: NO_BYTES, partSetHeader: { total: 1, hash: NO_BYTES } } }),
    signBytes: '1c08011101000000000000002204120208012a0608f49a8ded05320163',
  },
  {
    title: 'a block id of nothing but a hash is not nil',
    vote: corner({ blockId: { hash: BLOCK_HASH, partSetHeader: { total: 0, hash: NO_BYTES } } }),
    signBytes:
      '3c080111010000000000000022240a208b01023386c371778ecb6368573e539afc3cc860ec3a2f614e54fe5652f4fc8012002a0608f49a8ded05320163',
  },
  {
    title: 'tmkms: prevote at height 500001, round 2',
    vote: vote({
      height: 500_001n,
      round: 2,
      blockId: {
        hash: ascii('some hash00000000000000000000000'),
        partSetHeader: { total: 1_000_000, hash: ascii('parts_hash0000000000000000000000') },
      },
      timestamp: TMKMS_TIME,
      chainId: 'test_chain_id',
    }),
    signBytes:
      '7708011121a1070000000000190200000000000000224a0a20736f6d6520686173683030303030303030303030303030303030303030303030122608c0843d122070617274735f68617368303030303030303030303030303030303030303030302a0608a0eff4a806320d746573745f636861696e5f6964',
  },
];

/**
 * Upstream's cases 0, 3 and 4: votes of type 0, which Go encodes and this signer refuses. A domain
 * vote cannot have that type, so only the schema's generated code can write them.
 */
export const UNTYPED_VOTE_VECTORS: readonly {
  readonly title: string;
  readonly height: number;
  readonly round: number;
  readonly chainId: string;
  readonly signBytes: string;
}[] = [
  {
    title: 'upstream case 0: all zero',
    height: 0,
    round: 0,
    chainId: '',
    signBytes: '0d2a0b088092b8c398feffffff01',
  },
  {
    title: 'upstream case 3: type 0',
    height: 1,
    round: 1,
    chainId: '',
    signBytes: '1f1101000000000000001901000000000000002a0b088092b8c398feffffff01',
  },
  {
    title: 'upstream cases 4 and 5: type 0 with a chain id',
    height: 1,
    round: 1,
    chainId: 'test_chain_id',
    signBytes:
      '2e1101000000000000001901000000000000002a0b088092b8c398feffffff01320d746573745f636861696e5f6964',
  },
];

export const PROPOSAL_VECTORS: readonly ProposalVector[] = [
  {
    title: "upstream's testProposal",
    proposal: proposal({
      height: 12_345n,
      round: 23_456,
      blockId: {
        hash: ascii('--June_15_2020_amino_was_removed'),
        partSetHeader: { total: 111, hash: ascii('--June_15_2020_amino_was_removed') },
      },
      timestamp: { seconds: 1_518_332_962n, nanos: 765_000_000 },
      chainId: 'test_chain_id',
    }),
    signBytes:
      '8601082011393000000000000019a05b00000000000020ffffffffffffffffff012a480a202d2d4a756e655f31355f323032305f616d696e6f5f7761735f72656d6f7665641224086f12202d2d4a756e655f31355f323032305f616d696e6f5f7761735f72656d6f766564320c08a2d8ffd30510c0f2e3ec023a0d746573745f636861696e5f6964',
  },
  {
    title: 'everything zero',
    proposal: proposal({
      height: 0n,
      round: 0,
      polRound: 0,
      blockId: NIL_BLOCK_ID,
      timestamp: ZERO_TIME,
      chainId: '',
    }),
    signBytes: '0f0820320b088092b8c398feffffff01',
  },
  {
    title: 'B at height 10, round 1, no POL',
    proposal: proposal({}),
    signBytes:
      '7e0820110a0000000000000019010000000000000020ffffffffffffffffff012a4a0a208b01023386c371778ecb6368573e539afc3cc860ec3a2f614e54fe5652f4fc80122608c0843d122072db3d959635dff1bb567bedaa70573392c5159666a3f8caf11e413aac52207a320608f49a8ded053a096d79636861696e6964',
  },
  {
    title: 'tmkms: no block id',
    proposal: proposal({
      height: 12_345n,
      round: 1,
      blockId: NIL_BLOCK_ID,
      timestamp: TMKMS_TIME,
      chainId: 'test_chain_id',
    }),
    signBytes:
      '36082011393000000000000019010000000000000020ffffffffffffffffff01320608a0eff4a8063a0d746573745f636861696e5f6964',
  },
];

export const EXTENSION_VECTORS: readonly ExtensionVector[] = [
  {
    title: 'the extension "extension"',
    chainId: 'mychainid',
    extension: ascii('extension'),
    height: 10n,
    round: 1,
    signBytes: '280a09657874656e73696f6e110a0000000000000019010000000000000022096d79636861696e6964',
  },
  {
    title: 'an empty extension',
    chainId: 'mychainid',
    extension: NO_BYTES,
    height: 10n,
    round: 1,
    signBytes: '1d110a0000000000000019010000000000000022096d79636861696e6964',
  },
];
