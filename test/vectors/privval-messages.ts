/**
 * Bodies of privval messages, without the frame's length, from spec/privval.md 2.8: upstream's
 * TestPrivvalVectors (privval/msgs_test.go), and runs of cometbft v1.0.1 and tendermint v0.34.24.
 */
import type { PrivvalRequest, PrivvalResponse } from '@privval/proto/privval/messages';
import type { SendableRequest } from '@privval/proto/privval/request-codec';
import type { Proposal } from '@privval/proto/types/proposal';
import type { Vote } from '@privval/proto/types/vote';
import { BLOCK_B, TIME_T } from './sign-bytes.ts';

const NO_BYTES = new Uint8Array(0);

/** Public half of the Ed25519 key whose seed is sha256("it's a secret"). */
const PUBLIC_KEY = Uint8Array.fromHex(
  '556a436f1218d30942efe798420f51dc9b6a311b929c578257457d05c5fcf230',
);

/** What encodes B and T: the middle of every vote and proposal below. */
const B_HEX =
  '0a208b01023386c371778ecb6368573e539afc3cc860ec3a2f614e54fe5652f4fc80122608c0843d122072db3d959635dff1bb567bedaa70573392c5159666a3f8caf11e413aac52207a';
const T_HEX = '08f49a8ded05';
const ADDRESS_HEX = '6af1f4111082efb388211bc72c55bcd61e9ac3d5';

function vote(fields: Partial<Vote>): Vote {
  return {
    type: 'prevote',
    height: 3n,
    round: 2,
    blockId: BLOCK_B,
    timestamp: TIME_T,
    validatorAddress: Uint8Array.fromHex(ADDRESS_HEX),
    validatorIndex: 56_789,
    signature: NO_BYTES,
    extension: NO_BYTES,
    extensionSignature: NO_BYTES,
    ...fields,
  };
}

const EXTENDED_VOTE = vote({
  type: 'precommit',
  extension: new TextEncoder().encode('extension'),
});

const PROPOSAL: Proposal = {
  height: 3n,
  round: 2,
  polRound: 2,
  blockId: BLOCK_B,
  timestamp: TIME_T,
  signature: new TextEncoder().encode("it's a signature"),
};

const ERROR = { code: 1, description: "it's a error" };

const VOTE_HEX = `080110031802224a${B_HEX}2a06${T_HEX}3214${ADDRESS_HEX}38d5bb03`;
const EXTENDED_VOTE_HEX = `080210031802224a${B_HEX}2a06${T_HEX}3214${ADDRESS_HEX}38d5bb034a09657874656e73696f6e`;
const PROPOSAL_BODY_HEX = `1003180220022a4a${B_HEX}3206${T_HEX}3a10697427732061207369676e6174757265`;

/** A request and its body; both directions must agree. */
export const REQUEST_VECTORS: readonly {
  readonly title: string;
  readonly body: string;
  readonly request: SendableRequest;
}[] = [
  { title: 'PingRequest', body: '3a00', request: { kind: 'ping' } },
  {
    title: 'PubKeyRequest, empty chain id',
    body: '0a00',
    request: { kind: 'public-key', chainId: '' },
  },
  {
    title: 'SignVoteRequest, v0.34 and v0.37',
    body: `1a760a74${VOTE_HEX}`,
    request: { kind: 'sign-vote', chainId: '', vote: vote({}), skipExtensionSigning: false },
  },
  {
    title: 'SignVoteRequest, v0.34, with a chain id',
    body: `1a82010a74${VOTE_HEX}120a746573742d636861696e`,
    request: {
      kind: 'sign-vote',
      chainId: 'test-chain',
      vote: vote({}),
      skipExtensionSigning: false,
    },
  },
  {
    title: 'SignVoteRequest, v0.38 and v1, with an extension',
    body: `1a81010a7f${EXTENDED_VOTE_HEX}`,
    request: { kind: 'sign-vote', chainId: '', vote: EXTENDED_VOTE, skipExtensionSigning: false },
  },
];

/** Bodies that are read, but never written this way. */
export const READ_ONLY_REQUEST_VECTORS: readonly {
  readonly title: string;
  readonly body: string;
  readonly request: PrivvalRequest;
}[] = [
  {
    title: 'SignVoteRequest, v2.0.0-rc1, whose field 11 is unknown',
    body: `1a94010a9101${EXTENDED_VOTE_HEX}5a106e6f6e2d72702d657874656e73696f6e`,
    request: { kind: 'sign-vote', chainId: '', vote: EXTENDED_VOTE, skipExtensionSigning: false },
  },
  {
    title: 'SignProposalRequest, whose type is 1',
    body: `2a700a6e0801${PROPOSAL_BODY_HEX}`,
    request: { kind: 'sign-proposal', chainId: '', proposal: PROPOSAL },
  },
  {
    title: 'SignVoteRequest, v1, zero vote, skip_extension_signing',
    body: '1a180a11220212002a0b088092b8c398feffffff011201631801',
    request: {
      kind: 'invalid',
      asked: 'sign-vote',
      code: 'ERR_INVALID_VOTE_TYPE',
      text: 'vote type 0 is neither prevote nor precommit',
    },
  },
  { title: 'SignBytesRequest, v1', body: '4a050a03010203', request: { kind: 'sign-bytes' } },
  { title: 'empty Message', body: '', request: { kind: 'unknown' } },
  { title: 'PingResponse, sent to a signer', body: '4200', request: { kind: 'unknown' } },
];

/** A response and its body; both directions must agree. */
export const RESPONSE_VECTORS: readonly {
  readonly title: string;
  readonly body: string;
  readonly response: PrivvalResponse;
}[] = [
  { title: 'PingResponse', body: '4200', response: { kind: 'ping' } },
  { title: 'empty Message', body: '', response: { kind: 'empty' } },
  {
    title: 'PubKeyResponse with an error, v0.34 to v0.40',
    body: '12140a0012100801120c697427732061206572726f72',
    response: { kind: 'public-key', error: ERROR },
  },
  {
    title: 'SignedVoteResponse, v0.34 and v0.37',
    body: `22760a74${VOTE_HEX}`,
    response: { kind: 'signed-vote', vote: vote({}) },
  },
  {
    title: 'SignedVoteResponse, v0.38 and v1',
    body: `2281010a7f${EXTENDED_VOTE_HEX}`,
    response: { kind: 'signed-vote', vote: EXTENDED_VOTE },
  },
  {
    title: 'SignedVoteResponse with an error and a zero vote',
    body: '22250a11220212002a0b088092b8c398feffffff0112100801120c697427732061206572726f72',
    response: { kind: 'signed-vote', error: ERROR },
  },
  {
    title: 'SignedVoteResponse with an error of code 0 and no text',
    body: '22150a11220212002a0b088092b8c398feffffff011200',
    response: { kind: 'signed-vote', error: { code: 0, description: '' } },
  },
  {
    title: 'SignedProposalResponse with an error and a zero proposal',
    body: '32250a112a021200320b088092b8c398feffffff0112100801120c697427732061206572726f72',
    response: { kind: 'signed-proposal', error: ERROR },
  },
];

/** Replies of other signers, which are read and never written. */
export const READ_ONLY_RESPONSE_VECTORS: readonly {
  readonly title: string;
  readonly body: string;
  readonly response: PrivvalResponse;
}[] = [
  {
    title: 'PubKeyResponse, v0.34 to v0.40',
    body: '12240a220a20556a436f1218d30942efe798420f51dc9b6a311b929c578257457d05c5fcf230',
    response: { kind: 'public-key', publicKey: { type: 'ed25519', bytes: PUBLIC_KEY } },
  },
  {
    title: 'PubKeyResponse, v1 and v2',
    body: '122b1a20556a436f1218d30942efe798420f51dc9b6a311b929c578257457d05c5fcf230220765643235353139',
    response: { kind: 'public-key', publicKey: { type: 'ed25519', bytes: PUBLIC_KEY } },
  },
  {
    title: 'PubKeyResponse with an error, v1 and v2',
    body: '121212100801120c697427732061206572726f72',
    response: { kind: 'public-key', error: ERROR },
  },
  {
    title: 'SignedProposalResponse, whose type is 1',
    body: `32700a6e0801${PROPOSAL_BODY_HEX}`,
    response: { kind: 'signed-proposal', proposal: PROPOSAL },
  },
  {
    title: 'SignedVoteResponse with an error and no vote, as tmkms sends it',
    body: '221212100801120c697427732061206572726f72',
    response: { kind: 'signed-vote', error: ERROR },
  },
  {
    title: 'SignedProposalResponse with an error and no proposal, as tmkms sends it',
    body: '321212100801120c697427732061206572726f72',
    response: { kind: 'signed-proposal', error: ERROR },
  },
];

/** The sheet's key, for replies of ours that carry it twice. */
export const VECTOR_PUBLIC_KEY: Uint8Array = PUBLIC_KEY;
