/** Node ids: the name by which a Tendermint or CometBFT node is pinned. */
import { hexFromBytes } from '../runtime/bytes.ts';
import { CodedError } from '../runtime/coded-error.ts';
import { addressFromPublicKey, type PublicKey } from './public-key.ts';

declare const nodeIdBrand: unique symbol;

/** 40 lower-case hex digits, checked by {@link parseNodeId}. */
export type NodeId = string & { readonly [nodeIdBrand]: true };

const NODE_ID = /^[0-9a-f]{40}$/;

/** A text is not a node id. */
export class InvalidNodeIdError extends CodedError {
  override readonly name = 'InvalidNodeIdError';
  readonly code = 'ERR_INVALID_NODE_ID';

  constructor(text: string) {
    super(`not a node id: ${JSON.stringify(text)} (40 hexadecimal digits)`);
  }
}

/**
 * Reads a node id in either case, as nodes do.
 * @throws {InvalidNodeIdError} ERR_INVALID_NODE_ID
 */
export function parseNodeId(text: string): NodeId {
  const lower = text.toLowerCase();
  if (!NODE_ID.test(lower)) throw new InvalidNodeIdError(text);
  return lower as NodeId;
}

/** The id of the node with this identity key: its address in lower-case hex (spec/privval.md 4.1). */
export function nodeIdFromPublicKey(key: PublicKey): NodeId {
  return parseNodeId(hexFromBytes(addressFromPublicKey(key)));
}
