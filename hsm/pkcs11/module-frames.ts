/**
 * How the signer and a module's process talk: frames over two pipes, JSON for what is said and bytes
 * beside it for messages, signatures and secrets, which so never become text (S18).
 *
 * A frame is `header length (4) ‖ body length (4) ‖ header ‖ body`, lengths big-endian.
 */
import { concatBytes, utf8Bytes } from '@privval/proto/runtime/bytes';
import { UnexpectedAnswerError } from './module-errors.ts';

/** Longest header in bytes: a listing of some thousand keys. */
const MAX_HEADER_BYTES = 1_048_576;
/** Longest body in bytes: far more than any message that is signed. */
const MAX_BODY_BYTES = 4_194_304;
const LENGTHS_BYTES = 8;

/** One frame. */
export interface Frame {
  readonly header: unknown;
  readonly body: Uint8Array;
}

/** One frame's bytes, in a new array. */
export function encodeFrame(header: object, body: Uint8Array = new Uint8Array(0)): Uint8Array {
  const text = utf8Bytes(JSON.stringify(header));
  const frame = new Uint8Array(LENGTHS_BYTES + text.length + body.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, text.length);
  view.setUint32(4, body.length);
  frame.set(text, LENGTHS_BYTES);
  frame.set(body, LENGTHS_BYTES + text.length);
  return frame;
}

/** Puts frames together from the pieces a pipe delivers. Holds at most one frame and one piece. */
export class FrameDecoder {
  #pending: Uint8Array = new Uint8Array(0);

  /**
   * The frames that are complete with this piece.
   *
   * @throws {UnexpectedAnswerError} ERR_PKCS11_UNEXPECTED_ANSWER on bytes that are no frame; the
   *   pipe is then of no more use.
   */
  push(piece: Uint8Array): readonly Frame[] {
    this.#pending =
      this.#pending.length === 0 ? new Uint8Array(piece) : concatBytes(this.#pending, piece);
    const frames: Frame[] = [];
    for (;;) {
      const frame = this.#shift();
      if (frame === undefined) return frames;
      frames.push(frame);
    }
  }

  #shift(): Frame | undefined {
    const pending = this.#pending;
    if (pending.length < LENGTHS_BYTES) return undefined;
    const view = new DataView(pending.buffer, pending.byteOffset);
    const headerLength = view.getUint32(0);
    const bodyLength = view.getUint32(4);
    if (headerLength > MAX_HEADER_BYTES || bodyLength > MAX_BODY_BYTES) {
      throw new UnexpectedAnswerError({ reason: 'bytes that are no frame' });
    }
    const bodyStart = LENGTHS_BYTES + headerLength;
    const end = bodyStart + bodyLength;
    if (pending.length < end) return undefined;
    this.#pending = pending.subarray(end);
    return {
      header: parseHeader(pending.subarray(LENGTHS_BYTES, bodyStart)),
      body: pending.subarray(bodyStart, end),
    };
  }
}

function parseHeader(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new UnexpectedAnswerError({ reason: 'a header that is no JSON' }, { cause });
  }
}
