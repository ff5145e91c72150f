/** How a handshake of an encrypted transport fails, whichever transport it is. */
import { CodedError } from '../runtime/coded-error.ts';

/** The peer does not follow the handshake: another protocol, a broken peer or a hostile one. */
export class BadHandshakeError extends CodedError {
  override readonly name = 'BadHandshakeError';
  readonly code = 'ERR_BAD_HANDSHAKE';

  constructor(reason: string, options?: ErrorOptions) {
    super(`handshake: ${reason}`, options);
  }
}

/** The peer closed the connection before the handshake was complete: it is stopping, or does not want us. */
export class HandshakeEndedError extends CodedError {
  override readonly name = 'HandshakeEndedError';
  readonly code = 'ERR_HANDSHAKE_ENDED';
  readonly remote: string;

  constructor(remote: string) {
    super(`${remote} closed the connection during the handshake`);
    this.remote = remote;
  }
}

/** The peer's signature is not by the identity key it claims: a broken peer, or somebody in between. */
export class IdentityProofError extends CodedError {
  override readonly name = 'IdentityProofError';
  readonly code = 'ERR_IDENTITY_PROOF';

  constructor() {
    super('handshake: the peer did not prove that the identity key is its own');
  }
}

/** The peer has proven an identity, and it is not the pinned one. Check the address, or who is answering there. */
export class PeerIdMismatchError extends CodedError {
  override readonly name = 'PeerIdMismatchError';
  readonly code = 'ERR_PEER_ID_MISMATCH';
  /** The id that was pinned. */
  readonly expected: string;
  /** The id the peer has. */
  readonly actual: string;

  constructor(expected: string, actual: string) {
    super(`the peer is ${actual}, not ${expected}`);
    this.expected = expected;
    this.actual = actual;
  }
}
