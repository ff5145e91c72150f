/**
 * What is proven to be committed on the node at the other end, which decides the public key it is
 * answered (S41, S42). The session tells what was asked; the rules are `rotation/node-progress.ts`.
 *
 * - a sign request for h proves h − 1;
 * - a public-key request after a sign request for h, on the same connection, proves h;
 * - the node's own new-block event proves its height;
 * - the floor proves floor height − 1, of every node.
 */
import type { AbortOptions } from '@privval/proto/runtime/abort';

/** One configured node of one validator. What is proven outlives its connections, and the process. */
export interface NodeHeights {
  /** A new connection: what was asked on an earlier one proves no more than h − 1. */
  connected(): ConnectionHeights;
  /** Told by the follower of that node's own RPC. */
  blockCommitted(height: bigint): void;
}

/** One connection. Nothing here throws but for an abort. */
export interface ConnectionHeights {
  /** Before the request is put to the PrivValidator, whatever comes of it. */
  signAsked(height: bigint): void;
  /**
   * The height the node signs next: committed + 1; `undefined` when nothing at all is known. At
   * once, without a promise, unless the answer is to be held for the node's block event: only
   * while a rotation is armed, for at most 500 ms.
   *
   * Never asks an RPC: the node holds its consensus lock while it waits.
   */
  publicKeyAsked(options: AbortOptions): bigint | undefined | Promise<bigint | undefined>;
}
