/** A command to a YubiHSM 2, as data: what goes in, and how the reply is read. */

/**
 * One command and its reply. Pure: whoever has a session runs it.
 *
 * Frames are `code(1) ‖ length(2) ‖ data`; the reply's code is `code | 0x80`, which the session checks.
 */
export interface Command<Reply> {
  /** The vendor's name for it, for logs and errors: `SignEddsa`. */
  readonly name: string;
  /** 0x01 to 0x7e. */
  readonly code: number;
  /** The inner data, without the frame's header. */
  readonly data: Uint8Array;
  /**
   * Reads the inner data of the reply.
   * @throws {MalformedReplyError} ERR_YUBIHSM_MALFORMED_REPLY
   */
  decode(reply: Uint8Array): Reply;
}
