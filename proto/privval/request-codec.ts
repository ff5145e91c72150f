/**
 * What a node asks, as bytes and back (spec/privval.md 2.1 and 2.2).
 *
 * The three requests have readers and writers of their own here: on a socket they come within a
 * `Message`, over gRPC bare (`grpc-codec.ts`).
 */
import type { Writer } from 'protobufjs/minimal.js';
import { WireReader } from '../codec/wire-reader.ts';
import { newWriter, writeTextField, writtenBytes } from '../codec/wire-writer.ts';
import { MAX_CHAIN_ID_BYTES } from '../types/chain-id.ts';
import type { PrivvalRequest } from './messages.ts';
import {
  newProposalDraft,
  type ProposalDraft,
  proposalFromDraft,
  readProposal,
  writeProposal,
} from './proposal-codec.ts';
import { CHAIN_ID_DEFECT, type Defect, MISSING_PROPOSAL, MISSING_VOTE } from './validate.ts';
import { newVoteDraft, readVote, type VoteDraft, voteFromDraft, writeVote } from './vote-codec.ts';

/** One kind of {@link PrivvalRequest}. */
export type RequestOf<Kind extends PrivvalRequest['kind']> = Extract<
  PrivvalRequest,
  { kind: Kind }
>;

/** A request that can be written: the others only come out of {@link decodeRequest}. */
export type SendableRequest = Exclude<
  PrivvalRequest,
  { kind: 'invalid' | 'unknown' | 'sign-bytes' }
>;

// Members of the envelope that are requests. Responses have the even numbers up to 10.
const PUB_KEY_REQUEST = 1;
const SIGN_VOTE_REQUEST = 3;
const SIGN_PROPOSAL_REQUEST = 5;
const PING_REQUEST = 7;
const SIGN_BYTES_REQUEST = 9;
const LAST_MEMBER = 10;

/** The envelope's tag of a member: its number, as a nested message. */
function memberTag(member: number): number {
  return (member << 3) | 2;
}

/**
 * Reads the body of one frame. Of several requests in one envelope the last counts, as in Go.
 *
 * Bytes that are a request of a known kind with impossible content are `invalid`; an empty
 * envelope, a response, or a member of another protocol is `unknown`.
 *
 * @throws {MalformedMessageError} ERR_MALFORMED_MESSAGE when the bytes are no protobuf message.
 */
export function decodeRequest(body: Uint8Array): PrivvalRequest {
  const reader = new WireReader(body);
  let request: PrivvalRequest = { kind: 'unknown' };
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field <= LAST_MEMBER) request = readMember(field, reader.message());
    else reader.skip();
  }
  return request;
}

function readMember(member: number, content: WireReader): PrivvalRequest {
  switch (member) {
    case PUB_KEY_REQUEST:
      return readPublicKeyRequest(content);
    case SIGN_VOTE_REQUEST:
      return readSignVoteRequest(content);
    case SIGN_PROPOSAL_REQUEST:
      return readSignProposalRequest(content);
    case PING_REQUEST:
      content.skipRest();
      return { kind: 'ping' };
    case SIGN_BYTES_REQUEST:
      // Never signed (S23), so what it wants signed is not even looked at.
      content.skipRest();
      return { kind: 'sign-bytes' };
    default:
      content.skipRest();
      return { kind: 'unknown' };
  }
}

/** Writes the body of one frame. v1's `skip_extension_signing` is written when true. */
export function encodeRequest(request: SendableRequest): Uint8Array {
  const writer = newWriter();
  if (request.kind === 'ping') {
    writer.uint32(memberTag(PING_REQUEST)).fork();
  } else if (request.kind === 'public-key') {
    writePublicKeyRequest(writer.uint32(memberTag(PUB_KEY_REQUEST)).fork(), request);
  } else if (request.kind === 'sign-vote') {
    writeSignVoteRequest(writer.uint32(memberTag(SIGN_VOTE_REQUEST)).fork(), request);
  } else {
    writeSignProposalRequest(writer.uint32(memberTag(SIGN_PROPOSAL_REQUEST)).fork(), request);
  }
  return writtenBytes(writer.ldelim());
}

/** Reads a bare PubKeyRequest. */
export function readPublicKeyRequest(reader: WireReader): RequestOf<'public-key' | 'invalid'> {
  let chainId: string | undefined = '';
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) chainId = readChainId(reader);
    else reader.skip();
  }
  if (chainId === undefined) return invalid('public-key', CHAIN_ID_DEFECT);
  return { kind: 'public-key', chainId };
}

/** Reads a bare SignVoteRequest. */
export function readSignVoteRequest(reader: WireReader): RequestOf<'sign-vote' | 'invalid'> {
  let draft: VoteDraft | undefined;
  let chainId: string | undefined = '';
  let skipExtensionSigning = false;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) {
      draft ??= newVoteDraft();
      readVote(reader.message(), draft);
    } else if (field === 2) chainId = readChainId(reader);
    else if (field === 3) skipExtensionSigning = reader.number() !== 0;
    else reader.skip();
  }
  if (chainId === undefined) return invalid('sign-vote', CHAIN_ID_DEFECT);
  if (draft === undefined) return invalid('sign-vote', MISSING_VOTE);
  const result = voteFromDraft(draft);
  if ('defect' in result) return invalid('sign-vote', result.defect);
  return { kind: 'sign-vote', chainId, vote: result.vote, skipExtensionSigning };
}

/** Reads a bare SignProposalRequest. */
export function readSignProposalRequest(
  reader: WireReader,
): RequestOf<'sign-proposal' | 'invalid'> {
  let draft: ProposalDraft | undefined;
  let chainId: string | undefined = '';
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) {
      draft ??= newProposalDraft();
      readProposal(reader.message(), draft);
    } else if (field === 2) chainId = readChainId(reader);
    else reader.skip();
  }
  if (chainId === undefined) return invalid('sign-proposal', CHAIN_ID_DEFECT);
  if (draft === undefined) return invalid('sign-proposal', MISSING_PROPOSAL);
  const result = proposalFromDraft(draft);
  if ('defect' in result) return invalid('sign-proposal', result.defect);
  return { kind: 'sign-proposal', chainId, proposal: result.proposal };
}

/** Writes a bare PubKeyRequest. */
export function writePublicKeyRequest(writer: Writer, request: RequestOf<'public-key'>): void {
  writeTextField(writer, 0x0a, request.chainId);
}

/** Writes a bare SignVoteRequest. */
export function writeSignVoteRequest(writer: Writer, request: RequestOf<'sign-vote'>): void {
  writeVote(writer.uint32(0x0a).fork(), request.vote);
  writer.ldelim();
  writeTextField(writer, 0x12, request.chainId);
  if (request.skipExtensionSigning) writer.uint32(0x18).bool(true);
}

/** Writes a bare SignProposalRequest. */
export function writeSignProposalRequest(
  writer: Writer,
  request: RequestOf<'sign-proposal'>,
): void {
  writeProposal(writer.uint32(0x0a).fork(), request.proposal);
  writer.ldelim();
  writeTextField(writer, 0x12, request.chainId);
}

/** A chain id that could be one; `undefined` when it is not UTF-8 or longer than a genesis allows. */
function readChainId(reader: WireReader): string | undefined {
  return reader.text(MAX_CHAIN_ID_BYTES);
}

function invalid(asked: RequestOf<'invalid'>['asked'], defect: Defect): RequestOf<'invalid'> {
  return { kind: 'invalid', asked, code: defect.code, text: defect.text };
}
