/** A device in memory that answers as one does, until a test's script says otherwise, frame by frame. */
import { createHash } from 'node:crypto';
import {
  answerAsymmetricCreateSession,
  parseAsymmetricCreateSession,
} from 'yubihsm/channel/asymmetric-device-handshake';
import type { SecureChannel } from 'yubihsm/channel/secure-channel';
import type { AuthenticationKeys } from 'yubihsm/channel/session-keys';
import {
  parseCreateSession,
  SymmetricDeviceHandshake,
} from 'yubihsm/channel/symmetric-device-handshake';
import type { Command } from 'yubihsm/commands/command';
import type { Connector, ConnectorStatus } from 'yubihsm/connector/connector';
import { decodeFrame, encodeFrame, type Frame } from 'yubihsm/connector/frame';

/** Which of the frames that a client sends. */
export type FrameKind = 'create-session' | 'authenticate-session' | 'session-message' | 'plain';

/** A frame that reached the connector. */
export interface SeenFrame {
  readonly kind: FrameKind;
  readonly bytes: Uint8Array;
  /** How many of this kind came so far, this one included. */
  readonly nth: number;
  /** Lets the device do what the frame says, and gives its answer. */
  answer(): Uint8Array;
}

/** What becomes of a frame: the answer, or a fault. */
export type FrameScript = (frame: SeenFrame) => Uint8Array | Promise<Uint8Array>;

/** A command that the device carried out. */
export interface DoneCommand {
  readonly sessionId: number;
  readonly code: number;
  readonly data: Uint8Array;
}

/** Frames whose command is not one of the three of sessions. */
const KINDS: ReadonlyMap<number, FrameKind> = new Map([
  [0x03, 'create-session'],
  [0x04, 'authenticate-session'],
  [0x05, 'session-message'],
]);

/** Device and connector in one. Every session that is opened stays open until it is closed. */
export class ScriptedDevice implements Connector {
  readonly name = 'memory';
  /** Authentication keys by id. */
  readonly keys: Map<number, AuthenticationKeys> = new Map<number, AuthenticationKeys>();
  /** Public keys of asymmetric authentication keys by id. */
  readonly publicKeys: Map<number, Uint8Array> = new Map<number, Uint8Array>();
  devicePrivateKey: Uint8Array = new Uint8Array(32).fill(0x22);
  firmware: readonly [number, number, number] = [2, 4, 0];
  serial = 7_550_140;
  /** What happens to frames; by default the device answers. */
  script: FrameScript = (frame) => frame.answer();
  /** Every frame, in order. */
  readonly seen: SeenFrame[] = [];
  /** Every command that was carried out inside of a session. */
  readonly done: DoneCommand[] = [];
  readonly #channels = new Map<number, SecureChannel>();
  readonly #handshakes = new Map<number, SymmetricDeviceHandshake>();
  readonly #waiters: (() => void)[] = [];
  #nextSession = 0;

  /** Sessions that are open on the device. */
  get openSessions(): number {
    return this.#channels.size;
  }

  /** The kinds of all frames so far. */
  get kinds(): readonly FrameKind[] {
    return this.seen.map(({ kind }) => kind);
  }

  async transceive(bytes: Uint8Array): Promise<Uint8Array> {
    const kind = KINDS.get(bytes[0] ?? 0) ?? 'plain';
    const nth = this.seen.filter((frame) => frame.kind === kind).length + 1;
    const frame = { kind, bytes: bytes.slice(), nth, answer: () => this.#answer(bytes) };
    this.seen.push(frame);
    for (const waiter of this.#waiters.splice(0)) waiter();
    return this.script(frame);
  }

  async status(): Promise<ConnectorStatus> {
    return { hasDevice: true, serial: '*', version: '0', fields: new Map() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // It goes on existing.
  }

  /** Resolves when so many frames have arrived. */
  async untilSeen(count: number): Promise<void> {
    while (this.seen.length < count) {
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }

  /** Forgets all sessions, as a restart does. */
  restart(): void {
    this.#channels.clear();
    this.#handshakes.clear();
  }

  #answer(bytes: Uint8Array): Uint8Array {
    const frame = decodeFrame(bytes);
    if (frame === undefined) return failure(0x02);
    switch (frame.command) {
      case 0x03:
        return this.#createSession(frame.data);
      case 0x04:
        return this.#authenticateSession(frame.data[0] ?? 0, bytes);
      case 0x05:
        return this.#sessionMessage(frame.data[0] ?? 0, bytes);
      default:
        return encode(this.#run(frame));
    }
  }

  #createSession(data: Uint8Array): Uint8Array {
    const sessionId = this.#nextSession++ % 16;
    const asymmetric = parseAsymmetricCreateSession(data);
    if (asymmetric !== undefined) {
      const authPublicKey = this.publicKeys.get(asymmetric.authKeyId);
      if (authPublicKey === undefined) return failure(0x0b);
      const answer = answerAsymmetricCreateSession({
        sessionId,
        authPublicKey,
        devicePrivateKey: this.devicePrivateKey,
        ephemeralPrivateKey: new Uint8Array(32).fill(0x44),
        hostEphemeralKey: asymmetric.hostEphemeralKey,
      });
      if (answer === undefined) return failure(0x02);
      this.#channels.set(sessionId, answer.channel);
      return answer.reply;
    }
    const symmetric = parseCreateSession(data);
    const keys = this.keys.get(symmetric?.authKeyId ?? -1);
    if (symmetric === undefined || keys === undefined) return failure(0x0b);
    const { hostChallenge } = symmetric;
    const cardChallenge = new Uint8Array(8).fill(this.#nextSession);
    const handshake = new SymmetricDeviceHandshake({
      keys,
      sessionId,
      hostChallenge,
      cardChallenge,
    });
    this.#handshakes.set(sessionId, handshake);
    return handshake.reply;
  }

  #authenticateSession(sessionId: number, bytes: Uint8Array): Uint8Array {
    const channel = this.#handshakes.get(sessionId)?.authenticate(bytes);
    this.#handshakes.delete(sessionId);
    if (channel === undefined) return failure(0x04);
    this.#channels.set(sessionId, channel);
    return encodeFrame(0x84, new Uint8Array());
  }

  #sessionMessage(sessionId: number, bytes: Uint8Array): Uint8Array {
    const channel = this.#channels.get(sessionId);
    if (channel === undefined) return failure(0x03);
    let request: Frame;
    try {
      request = channel.openRequest(bytes);
    } catch {
      return failure(0x04);
    }
    this.done.push({ sessionId, code: request.command, data: request.data.slice() });
    const reply = channel.sealReply(this.#run(request));
    if (request.command === 0x40) this.#channels.delete(sessionId);
    return reply;
  }

  #run({ command, data }: Frame): Frame {
    const reply = command | 0x80;
    switch (command) {
      case 0x01:
        return { command: reply, data };
      case 0x06:
        return { command: reply, data: this.#info() };
      case 0x40:
        return { command: reply, data: new Uint8Array() };
      case SIGN:
        return { command: reply, data: new Uint8Array(createHash('sha512').update(data).digest()) };
      default:
        return { command: 0x7f, data: Uint8Array.of(0x0b) };
    }
  }

  #info(): Uint8Array {
    const info = new Uint8Array(9);
    info.set(this.firmware);
    new DataView(info.buffer).setUint32(3, this.serial);
    info[7] = 62;
    return info;
  }
}

const SIGN = 0x6a;

/** A deterministic "signature" of 64 bytes: what the device makes of any data. */
export function signature(data: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha512').update(data).digest());
}

/** Asks for {@link signature}. */
export function sign(data: Uint8Array | string): Command<Uint8Array> {
  const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data;
  return { name: 'SignEddsa', code: SIGN, data: bytes, decode: (reply) => reply.slice() };
}

/** A plain error, as a device or anybody else sends it. */
export function failure(code: number): Uint8Array {
  return Uint8Array.of(0x7f, 0, 1, code);
}

function encode({ command, data }: Frame): Uint8Array {
  return encodeFrame(command, data);
}
