/**
 * What a signer answers, as bytes and back (spec/privval.md 2.2, 2.8 and 3.6).
 *
 * One reply serves every dialect: a public key is written for v0.34–v0.40 and for v1 at once, each
 * of which skips the other's fields.
 */
import type { Writer } from 'protobufjs/minimal.js';
import { WireReader } from '../codec/wire-reader.ts';
import { newWriter, writeTextField, writtenBytes } from '../codec/wire-writer.ts';
import { bytesFromHex } from '../runtime/bytes.ts';
import { CodedError } from '../runtime/coded-error.ts';
import type { Vote } from '../types/vote.ts';
import type { PrivvalResponse, RemoteSignerError } from './messages.ts';
import {
  newProposalDraft,
  proposalFromDraft,
  readProposal,
  writeProposal,
} from './proposal-codec.ts';
import {
  newPublicKeyDraft,
  publicKeyFromDraft,
  readPublicKey,
  writePublicKey,
} from './public-key-codec.ts';
import { newVoteDraft, readVote, voteFromDraft, writeVote } from './vote-codec.ts';

/** One kind of {@link PrivvalResponse}. */
export type ResponseOf<Kind extends PrivvalResponse['kind']> = Extract<
  PrivvalResponse,
  { kind: Kind }
>;

/** How a response is written. */
export interface EncodeResponseOptions {
  /** A vote's extension is left out of a reply that would be longer than this (S22). @default no limit */
  readonly omitExtensionAboveBytes?: number | undefined;
}

/** A signer answered with a message, but not one that can be an answer. */
export class InvalidResponseError extends CodedError {
  override readonly name = 'InvalidResponseError';
  readonly code = 'ERR_INVALID_RESPONSE';
  /** What is wrong with the vote or proposal in it, if that is it: a code of `validate.ts`. */
  readonly reason: `ERR_${string}` | undefined;

  constructor(text: string, reason?: `ERR_${string}`) {
    super(`the signer's reply cannot be an answer: ${text}`);
    this.reason = reason;
  }
}

// Members of the envelope that are responses, and their tags as nested messages.
const PUB_KEY_RESPONSE = 2;
const SIGNED_VOTE_RESPONSE = 4;
const SIGNED_PROPOSAL_RESPONSE = 6;
const PING_RESPONSE = 8;
const SIGN_BYTES_RESPONSE = 10;
const LAST_MEMBER = 10;

// Tags within the responses.
const CONTENT = 0x0a;
const ERROR = 0x12;
const V1_KEY_BYTES = 0x1a;
const V1_KEY_TYPE = 0x22;
const ERROR_CODE = 0x08;
const ERROR_DESCRIPTION = 0x12;

/** An all-zero vote as Go writes it beside an error: nil block id, year 1 (spec/privval.md 2.8). */
const ZERO_VOTE = bytesFromHex('220212002a0b088092b8c398feffffff01');

/** The same for a proposal. */
const ZERO_PROPOSAL = bytesFromHex('2a021200320b088092b8c398feffffff01');

function memberTag(member: number): number {
  return (member << 3) | 2;
}

/** Writes the body of one frame; no bytes at all for the empty answer (S23). */
export function encodeResponse(
  response: PrivvalResponse,
  options: EncodeResponseOptions = {},
): Uint8Array {
  const body = encodeEnvelope(response);
  const { omitExtensionAboveBytes = Number.POSITIVE_INFINITY } = options;
  if (body.length <= omitExtensionAboveBytes) return body;
  if (response.kind !== 'signed-vote' || 'error' in response) return body;
  return encodeEnvelope({ kind: 'signed-vote', vote: withoutExtension(response.vote) });
}

/** The vote with its extension left out and the signature over it kept: nodes read no more (S22). */
export function withoutExtension(vote: Vote): Vote {
  return { ...vote, extension: new Uint8Array(0) };
}

function encodeEnvelope(response: PrivvalResponse): Uint8Array {
  const writer = newWriter();
  switch (response.kind) {
    case 'empty':
      return new Uint8Array(0);
    case 'ping':
      writer.uint32(memberTag(PING_RESPONSE)).fork();
      break;
    case 'public-key':
      writePublicKeyResponse(writer.uint32(memberTag(PUB_KEY_RESPONSE)).fork(), response);
      break;
    case 'signed-vote':
      writeSignedVoteResponse(writer.uint32(memberTag(SIGNED_VOTE_RESPONSE)).fork(), response);
      break;
    case 'signed-proposal':
      writeSignedProposalResponse(
        writer.uint32(memberTag(SIGNED_PROPOSAL_RESPONSE)).fork(),
        response,
      );
      break;
    case 'sign-bytes':
      writeError(writer.uint32(memberTag(SIGN_BYTES_RESPONSE)).fork(), response.error);
      break;
  }
  return writtenBytes(writer.ldelim());
}

/** Writes a bare PubKeyResponse, for every dialect at once. */
export function writePublicKeyResponse(writer: Writer, response: ResponseOf<'public-key'>): void {
  writer.uint32(CONTENT).fork();
  if ('error' in response) {
    writer.ldelim();
    writeError(writer, response.error);
    return;
  }
  const { publicKey } = response;
  writePublicKey(writer, publicKey);
  writer.ldelim();
  writer.uint32(V1_KEY_BYTES).bytes(publicKey.bytes);
  writer.uint32(V1_KEY_TYPE).string(publicKey.type);
}

/** Writes a bare SignedVoteResponse. */
export function writeSignedVoteResponse(writer: Writer, response: ResponseOf<'signed-vote'>): void {
  writer.uint32(CONTENT);
  if ('error' in response) {
    writer.bytes(ZERO_VOTE);
    writeError(writer, response.error);
    return;
  }
  writeVote(writer.fork(), response.vote);
  writer.ldelim();
}

/** Writes a bare SignedProposalResponse. */
export function writeSignedProposalResponse(
  writer: Writer,
  response: ResponseOf<'signed-proposal'>,
): void {
  writer.uint32(CONTENT);
  if ('error' in response) {
    writer.bytes(ZERO_PROPOSAL);
    writeError(writer, response.error);
    return;
  }
  writeProposal(writer.fork(), response.proposal);
  writer.ldelim();
}

/** Always written, with code 0 and no text too: presence is what makes it an error. */
function writeError(writer: Writer, error: RemoteSignerError): void {
  writer.uint32(ERROR).fork();
  if (error.code !== 0) writer.uint32(ERROR_CODE).int32(error.code);
  writeTextField(writer, ERROR_DESCRIPTION, error.description);
  writer.ldelim();
}

/**
 * Reads the body of one frame, of any dialect. Of several responses in one envelope the last
 * counts; an envelope without one, or with a request, is `empty`.
 *
 * @throws {MalformedMessageError} ERR_MALFORMED_MESSAGE when the bytes are no protobuf message.
 * @throws {InvalidResponseError} ERR_INVALID_RESPONSE when a vote or proposal in it is impossible.
 * @throws what {@link publicKeyFromDraft} throws, for a public key that is none of ours to use.
 */
export function decodeResponse(body: Uint8Array): PrivvalResponse {
  const reader = new WireReader(body);
  let response: PrivvalResponse = { kind: 'empty' };
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field <= LAST_MEMBER) response = readMember(field, reader.message());
    else reader.skip();
  }
  return response;
}

function readMember(member: number, content: WireReader): PrivvalResponse {
  switch (member) {
    case PUB_KEY_RESPONSE:
      return readPublicKeyResponse(content);
    case SIGNED_VOTE_RESPONSE:
      return readSignedVoteResponse(content);
    case SIGNED_PROPOSAL_RESPONSE:
      return readSignedProposalResponse(content);
    case PING_RESPONSE:
      content.skipRest();
      return { kind: 'ping' };
    case SIGN_BYTES_RESPONSE:
      return readSignBytesResponse(content);
    default:
      content.skipRest();
      return { kind: 'empty' };
  }
}

/** Reads a bare PubKeyResponse. */
export function readPublicKeyResponse(reader: WireReader): ResponseOf<'public-key'> {
  const draft = newPublicKeyDraft();
  let error: RemoteSignerError | undefined;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) readPublicKey(reader.message(), draft);
    else if (field === 2) error = readError(reader.message(), error);
    else if (field === 3) draft.v1Bytes = reader.bytes();
    else if (field === 4) draft.v1Type = reader.text();
    else reader.skip();
  }
  if (error !== undefined) return { kind: 'public-key', error };
  return { kind: 'public-key', publicKey: publicKeyFromDraft(draft) };
}

/** Reads a bare SignedVoteResponse. Beside an error the vote may be missing, as in tmkms's replies. */
export function readSignedVoteResponse(reader: WireReader): ResponseOf<'signed-vote'> {
  const draft = newVoteDraft();
  let error: RemoteSignerError | undefined;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) readVote(reader.message(), draft);
    else if (field === 2) error = readError(reader.message(), error);
    else reader.skip();
  }
  if (error !== undefined) return { kind: 'signed-vote', error };
  const result = voteFromDraft(draft);
  if ('defect' in result) throw new InvalidResponseError(result.defect.text, result.defect.code);
  return { kind: 'signed-vote', vote: result.vote };
}

/** Reads a bare SignedProposalResponse. Beside an error the proposal may be missing. */
export function readSignedProposalResponse(reader: WireReader): ResponseOf<'signed-proposal'> {
  const draft = newProposalDraft();
  let error: RemoteSignerError | undefined;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) readProposal(reader.message(), draft);
    else if (field === 2) error = readError(reader.message(), error);
    else reader.skip();
  }
  if (error !== undefined) return { kind: 'signed-proposal', error };
  const result = proposalFromDraft(draft);
  if ('defect' in result) throw new InvalidResponseError(result.defect.text, result.defect.code);
  return { kind: 'signed-proposal', proposal: result.proposal };
}

function readSignBytesResponse(reader: WireReader): ResponseOf<'sign-bytes'> {
  let error: RemoteSignerError | undefined;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 2) error = readError(reader.message(), error);
    else reader.skip();
  }
  if (error === undefined) throw new InvalidResponseError('nobody asked it to sign raw bytes');
  return { kind: 'sign-bytes', error };
}

/** A second error in one response is merged into the first, as in Go. */
function readError(reader: WireReader, before: RemoteSignerError | undefined): RemoteSignerError {
  let code = before?.code ?? 0;
  let description = before?.description ?? '';
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    // Only printed, so Go's wrapping around and a placeholder do.
    if (field === 1) code = reader.number() | 0;
    else if (field === 2) description = reader.text() ?? '(text that is not UTF-8)';
    else reader.skip();
  }
  return { code, description };
}
