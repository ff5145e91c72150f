/**
 * One way to ask a signer, once: over a stream it dialed in on, or by gRPC.
 *
 * A contract with two implementations, `stream-endpoint.ts` and `grpc-endpoint.ts`.
 */
import type { PrivvalResponse } from '@privval/proto/privval/messages';
import type { RequestOf } from '@privval/proto/privval/request-codec';
import type { AbortOptions } from '@privval/proto/runtime/abort';

/** What consensus asks; a ping is the endpoint's own affair. */
export type SignerQuestion = RequestOf<'public-key' | 'sign-vote' | 'sign-proposal'>;

/** Asks, one attempt each; whoever calls it decides whether to ask again. */
export interface SignerEndpoint extends AsyncDisposable {
  /** Where it listens or dials, as an address a person can use: `tcp://127.0.0.1:45123`. */
  readonly address: string;
  /** Where the connected signer is; `undefined` while none is known to be there. For logs and screens. */
  readonly remote: string | undefined;
  /**
   * Sends `question` and gives the answer, of whatever type it is, to `take`, whose result it
   * resolves with. When `take` throws, the signer is out of step or broken: its connection, if
   * there is one, is dropped, and the error passed on. `take` also sees the answer when the caller
   * has given up meanwhile.
   *
   * Rejects with `signal.reason` on abort, at every wait. The signer may still sign (S25).
   *
   * @throws a `CodedError` on a fault; {@link isTransient} tells whether another attempt may help.
   */
  ask<T>(
    question: SignerQuestion,
    take: (answer: PrivvalResponse) => T,
    options?: AbortOptions,
  ): Promise<T>;
  /** Whether the fault may be gone at the next attempt. */
  isTransient(error: unknown): boolean;
}
