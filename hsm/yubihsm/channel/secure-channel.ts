/** The encrypted messages of one session, for both of its ends. */
import { timingSafeEqual } from 'node:crypto';
import { commandCode } from '../commands/command-code.ts';
import {
  decodeFrame,
  ERROR_COMMAND,
  FRAME_HEADER_BYTES,
  type Frame,
  REPLY_FLAG,
  writeFrameHeader,
} from '../connector/frame.ts';
import { InvariantError } from '../invariant-error.ts';
import { AesCmac } from './aes-cmac.ts';
import { BLOCK_BYTES, CbcDecryptor, CbcEncryptor } from './cbc-chains.ts';
import { type SessionKeys, wipeSessionKeys } from './session-keys.ts';
import { UntrustedMessageError } from './untrusted-message-error.ts';

/** The outer command that carries an encrypted one. */
export const SESSION_MESSAGE: number = commandCode('SessionMessage');

/** Bytes of a message's MAC: the first half of the CMAC. */
export const MAC_BYTES = 8;

const SESSION_ID_BYTES = 1;
const PADDING_MARK = 0x80;

/** What a handshake hands over: the channel owns the arrays from then on. */
export interface SecureChannelStart {
  readonly sessionId: number;
  readonly keys: SessionKeys;
  /** 16 bytes: the full MAC of the last handshake message. */
  readonly chain: Uint8Array;
}

/**
 * One session's cryptography: pure, no I/O. The host's end seals requests and opens replies, the
 * device's end opens requests and seals replies; strictly in turns.
 *
 * Each request's MAC covers the one before, each reply's MAC its request: what was altered,
 * replayed, left out or put in another order fails, and {@link SecureChannel.openReply} then
 * wipes the keys. There is no way back: a channel is never repaired.
 */
export class SecureChannel implements Disposable {
  readonly sessionId: number;
  readonly #keys: SessionKeys;
  readonly #mac: AesCmac;
  readonly #rmac: AesCmac;
  readonly #encryptor: CbcEncryptor;
  readonly #decryptor: CbcDecryptor;
  #chain: Uint8Array;
  #counter = 1;
  /** The command whose reply is still to come or to be given, and which end this is for it. */
  #turn: { readonly end: 'host' | 'device'; readonly command: number } | undefined;
  #isClosed = false;

  constructor(start: SecureChannelStart) {
    this.sessionId = start.sessionId;
    this.#keys = start.keys;
    this.#mac = new AesCmac(start.keys.macKey);
    this.#rmac = new AesCmac(start.keys.rmacKey);
    this.#encryptor = new CbcEncryptor(start.keys.encKey);
    this.#decryptor = new CbcDecryptor(start.keys.encKey);
    this.#chain = start.chain;
  }

  /** Messages that have gone through, plus one. */
  get counter(): number {
    return this.#counter;
  }

  /** Whether the keys are wiped. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Host: encrypts a command. The outer frame that comes back is to be sent once. */
  sealRequest(inner: Frame): Uint8Array {
    this.#expectNoTurn();
    this.#turn = { end: 'host', command: inner.command };
    const message = this.#encrypt(SESSION_MESSAGE, inner);
    this.#chain = this.#authenticate(message, this.#mac);
    return message;
  }

  /**
   * Host: checks and decrypts the reply, which is the command's or an error (7f and its code).
   *
   * @throws {UntrustedMessageError} ERR_YUBIHSM_UNTRUSTED_MESSAGE; the channel is closed then.
   */
  openReply(message: Uint8Array): Frame {
    const { command } = this.#expectTurn('host');
    try {
      const frame = this.#verify(message, SESSION_MESSAGE | REPLY_FLAG, this.#rmac).inner();
      const isReply = frame.command === (command | REPLY_FLAG);
      const isError = frame.command === ERROR_COMMAND && frame.data.length === 1;
      if (!isReply && !isError) throw new UntrustedMessageError('inner-command');
      this.#endTurn();
      return frame;
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * Device: checks and decrypts a command. Nothing changes while the MAC is wrong; with a right one
   * the command has arrived, even when what is in it makes no sense, and wants its reply.
   *
   * @throws {UntrustedMessageError} ERR_YUBIHSM_UNTRUSTED_MESSAGE
   */
  openRequest(message: Uint8Array): Frame {
    this.#expectNoTurn();
    const { mac, inner } = this.#verify(message, SESSION_MESSAGE, this.#mac);
    this.#chain = mac;
    this.#turn = { end: 'device', command: 0 };
    return inner();
  }

  /** Device: encrypts the reply to the command that was opened last. */
  sealReply(inner: Frame): Uint8Array {
    this.#expectTurn('device');
    const message = this.#encrypt(SESSION_MESSAGE | REPLY_FLAG, inner);
    this.#authenticate(message, this.#rmac);
    this.#endTurn();
    return message;
  }

  /** Wipes the keys; the channel is of no use any more. */
  [Symbol.dispose](): void {
    this.#isClosed = true;
    wipeSessionKeys(this.#keys);
    this.#mac[Symbol.dispose]();
    this.#rmac[Symbol.dispose]();
    this.#encryptor[Symbol.dispose]();
    this.#decryptor[Symbol.dispose]();
    this.#chain.fill(0);
  }

  #expectNoTurn(): void {
    if (this.#isClosed) throw new InvariantError('the channel is closed');
    if (this.#turn !== undefined) throw new InvariantError('the last command has no reply yet');
  }

  #expectTurn(end: 'host' | 'device'): { readonly command: number } {
    if (this.#isClosed) throw new InvariantError('the channel is closed');
    if (this.#turn?.end !== end) throw new InvariantError('a reply without its command');
    return this.#turn;
  }

  #endTurn(): void {
    this.#turn = undefined;
    this.#counter += 1;
  }

  /** The outer frame with its ciphertext; the MAC's bytes are still zero. */
  #encrypt(outerCommand: number, { command, data }: Frame): Uint8Array {
    const plainBytes = FRAME_HEADER_BYTES + data.length;
    const paddedBytes = (Math.floor(plainBytes / BLOCK_BYTES) + 1) * BLOCK_BYTES;
    const blocks = this.#counterBlock(paddedBytes);
    const padded = blocks.subarray(BLOCK_BYTES);
    writeFrameHeader(padded, command, data.length);
    padded.set(data, FRAME_HEADER_BYTES);
    padded[plainBytes] = PADDING_MARK;
    const encrypted = this.#encryptor.encrypt(blocks).subarray(BLOCK_BYTES);
    const outerBytes = SESSION_ID_BYTES + paddedBytes + MAC_BYTES;
    const message = new Uint8Array(FRAME_HEADER_BYTES + outerBytes);
    writeFrameHeader(message, outerCommand, outerBytes);
    message[FRAME_HEADER_BYTES] = this.sessionId;
    message.set(encrypted, FRAME_HEADER_BYTES + SESSION_ID_BYTES);
    return message;
  }

  /** Puts the MAC of `message` into its last bytes and returns the whole CMAC. */
  #authenticate(message: Uint8Array, cmac: AesCmac): Uint8Array {
    const mac = cmac.of(this.#chain, message.subarray(0, -MAC_BYTES));
    message.set(mac.subarray(0, MAC_BYTES), message.length - MAC_BYTES);
    return mac;
  }

  /** Checks everything that needs no decryption; `inner` then decrypts. */
  #verify(
    message: Uint8Array,
    outerCommand: number,
    cmac: AesCmac,
  ): { readonly mac: Uint8Array; readonly inner: () => Frame } {
    const frame = decodeFrame(message);
    if (frame === undefined) throw new UntrustedMessageError('frame');
    if (frame.command !== outerCommand) throw new UntrustedMessageError('command');
    const encryptedBytes = frame.data.length - SESSION_ID_BYTES - MAC_BYTES;
    if (encryptedBytes < BLOCK_BYTES || encryptedBytes % BLOCK_BYTES !== 0) {
      throw new UntrustedMessageError('length');
    }
    const mac = cmac.of(this.#chain, message.subarray(0, -MAC_BYTES));
    if (!timingSafeEqual(mac.subarray(0, MAC_BYTES), message.subarray(-MAC_BYTES))) {
      throw new UntrustedMessageError('mac');
    }
    if (frame.data[0] !== this.sessionId) throw new UntrustedMessageError('session-id');
    const encrypted = frame.data.subarray(SESSION_ID_BYTES, -MAC_BYTES);
    return { mac, inner: () => this.#decrypt(encrypted) };
  }

  #decrypt(encrypted: Uint8Array): Frame {
    const blocks = new Uint8Array(BLOCK_BYTES + encrypted.length);
    blocks.set(this.#encryptor.encrypt(this.#counterBlock()));
    blocks.set(encrypted, BLOCK_BYTES);
    const padded = new Uint8Array(this.#decryptor.decrypt(blocks));
    const end = padded.findLastIndex((byte) => byte !== 0);
    if (padded[end] !== PADDING_MARK || end < padded.length - BLOCK_BYTES) {
      throw new UntrustedMessageError('padding');
    }
    const frame = decodeFrame(padded.subarray(0, end));
    if (frame === undefined) throw new UntrustedMessageError('inner-frame');
    return frame;
  }

  /**
   * The counter, with room for `moreBytes` behind it. Encrypted it is the vector of a command and of
   * its reply.
   */
  #counterBlock(moreBytes = 0): Uint8Array {
    const blocks = new Uint8Array(BLOCK_BYTES + moreBytes);
    new DataView(blocks.buffer).setBigUint64(BLOCK_BYTES - 8, BigInt(this.#counter));
    return blocks;
  }
}
