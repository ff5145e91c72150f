/**
 * A YubiHSM 2 as its connector sees it: one frame in, one frame out.
 *
 * No socket, no timer, no clock of its own. It is a model for trying and testing: its keys are
 * ordinary memory, and nothing it does takes the time a device takes.
 */
import type { SecureChannel } from 'yubihsm/channel/secure-channel';
import { UntrustedMessageError } from 'yubihsm/channel/untrusted-message-error';
import { deviceInfo, devicePublicKey } from '../commands/device-commands.ts';
import { commandOf, runCommand } from '../commands/run-command.ts';
import { NO_ID } from './audit-log.ts';
import { ByteReader } from './byte-reader.ts';
import { DeviceFault, FAULT } from './device-fault.ts';
import {
  type DeviceIdentity,
  type DeviceState,
  factoryState,
  makeIdentity,
  type RandomBytes,
} from './device-state.ts';
import { DEFAULT_FIRMWARE, type Firmware, maxFrameBytes } from './firmware.ts';
import { ERROR_REPLY, errorReply, frameOf, type Message, REPLY_BIT, reply } from './frame.ts';
import {
  AUTHENTICATE_SESSION,
  authenticateSession,
  createSession,
  type OpeningContext,
} from './session-opening.ts';
import { Sessions } from './sessions.ts';

/** The commands that need no session. */
const OUTER = {
  echo: 0x01,
  createSession: 0x03,
  sessionMessage: 0x05,
  deviceInfo: 0x06,
  getDevicePubkey: 0x0a,
} as const;

/** What an exchange was, for whoever delays or falsifies it. */
export interface Exchange {
  readonly reply: Uint8Array;
  /** The command: the inner one where there is one that could be read. */
  readonly command: number;
  readonly isSignature: boolean;
}

/** What the device uses. */
export interface SimulatedDeviceDeps {
  /** Milliseconds that only grow: idle times and the log's ticks. */
  readonly monotonicMs: () => number;
  readonly random: RandomBytes;
}

/** What kind of device it is. */
export interface SimulatedDeviceOptions {
  /** @default 2.4.1 */
  readonly firmware?: Firmware | undefined;
  /** Below 2³²; shown as ten digits. @default 7550140 */
  readonly serial?: number | undefined;
}

/** Changes a reply before it is encrypted: a device that lies. */
export type ReplyFilter = (command: number, reply: Message) => Message;

/** One device. Everything it knows is gone with it. */
export class SimulatedDevice {
  readonly #deps: SimulatedDeviceDeps;
  readonly #sessions: Sessions;
  #state: DeviceState;
  #poweredOnMs: number;
  #replyFilter: ReplyFilter = (_command, message) => message;

  constructor(deps: SimulatedDeviceDeps, options: SimulatedDeviceOptions = {}) {
    this.#deps = deps;
    this.#sessions = new Sessions({ nowMs: deps.monotonicMs });
    const { firmware = DEFAULT_FIRMWARE, serial = 7550140 } = options;
    this.#state = factoryState(deps, makeIdentity(deps, { firmware, serial }));
    this.#poweredOnMs = deps.monotonicMs();
    this.#state.log.addBoot(false);
  }

  /** Its memory, for tests that look behind the protocol or set up what it cannot. */
  get state(): DeviceState {
    return this.#state;
  }

  /** Sessions, half-open ones included. */
  get sessionCount(): number {
    return this.#sessions.count;
  }

  /** Sets what changes replies before they are encrypted; `undefined` for an honest device. */
  filterReplies(filter: ReplyFilter | undefined): void {
    this.#replyFilter = filter ?? ((_command, message) => message);
  }

  /** The power goes and comes back: sessions are gone, objects and log stay. */
  powerCycle(): void {
    this.#sessions.closeAll();
    this.#poweredOnMs = this.#deps.monotonicMs();
    this.#state.log.addBoot(this.#state.options.isForced);
  }

  /** All sessions are gone, and nothing else. */
  dropSessions(): void {
    this.#sessions.closeAll();
  }

  /** The state of the factory: ResetDevice, or the metal contact held for ten seconds. */
  factoryReset(): void {
    this.#state = factoryState(this.#deps, this.#state.identity);
    this.powerCycle();
  }

  /** Makes it another device: another serial or other keys of its own. Objects and log stay. */
  become(identity: Partial<DeviceIdentity>): void {
    this.#state = { ...this.#state, identity: { ...this.#state.identity, ...identity } };
  }

  /** One frame and its answer. Throws for nothing that a frame contains. */
  exchange(frame: Uint8Array): Exchange {
    try {
      return this.#outer(frame);
    } catch (error) {
      if (!(error instanceof DeviceFault)) throw error;
      const command = frame[0] ?? 0;
      return { reply: frameOf(errorReply(error.code)), command, isSignature: false };
    }
  }

  #outer(frame: Uint8Array): Exchange {
    if (frame.length > maxFrameBytes(this.#state.identity.firmware)) {
      throw new DeviceFault(FAULT.wrongLength);
    }
    const reader = new ByteReader(frame);
    const [command, length] = [reader.u8(), reader.u16()];
    const data = reader.rest();
    if (data.length !== length) throw new DeviceFault(FAULT.wrongLength);
    if (command === OUTER.sessionMessage) return this.#sessionMessage(frame, data);
    return { reply: this.#plain(command, data), command, isSignature: false };
  }

  #plain(command: number, data: Uint8Array): Uint8Array {
    const answer = (content: Uint8Array): Uint8Array =>
      frameOf(this.#replyFilter(command, reply(command, content)));
    switch (command) {
      case OUTER.echo:
        return answer(data);
      case OUTER.deviceInfo:
        return answer(deviceInfo(this.#state, new ByteReader(data)));
      case OUTER.getDevicePubkey:
        return answer(devicePublicKey(this.#state, new ByteReader(data)));
      case OUTER.createSession:
        return this.#opening(command, data, createSession);
      case AUTHENTICATE_SESSION:
        return this.#opening(command, data, authenticateSession);
      default:
        throw new DeviceFault(FAULT.invalidCommand);
    }
  }

  /** Runs one of the two commands that open a session, and logs it whatever comes of it. */
  #opening(
    command: number,
    data: Uint8Array,
    run: (context: OpeningContext, data: Uint8Array) => Uint8Array,
  ): Uint8Array {
    let targetKey = NO_ID;
    const concerns = (authKeyId: number): void => {
      targetKey = authKeyId;
    };
    const log = (result: number): void => {
      const { options, log } = this.#state;
      if (!options.isAudited(command)) return;
      const { length } = data;
      const ids = { sessionKey: NO_ID, targetKey, secondKey: NO_ID };
      const event = { command, length, ...ids, result, tick: this.#tick };
      log.addAuthentication(event, options.isForced);
    };
    try {
      const answer = run({ state: this.#state, sessions: this.#sessions, concerns }, data);
      log(command | REPLY_BIT);
      return answer;
    } catch (error) {
      if (error instanceof DeviceFault) log(error.code);
      throw error;
    }
  }

  #sessionMessage(frame: Uint8Array, data: Uint8Array): Exchange {
    const sessionId = new ByteReader(data).u8();
    const { principal, session } = this.#sessions.get(sessionId);
    if (session.state !== 'open') throw new DeviceFault(FAULT.invalidSession);
    const { channel } = session;
    const request = openRequest(channel, frame);
    this.#sessions.touch(sessionId);
    if (request === undefined) {
      const sealed = channel.sealReply(errorReply(FAULT.invalidData));
      return { reply: sealed, command: OUTER.sessionMessage, isSignature: false };
    }
    const { command } = request;
    const spec = commandOf(this.#state, command);
    const answer = runCommand(this.#state, principal, request, this.#tick);
    const sealed = channel.sealReply(this.#replyFilter(command, answer));
    if (answer.command !== ERROR_REPLY) {
      if (spec?.afterwards === 'close-session') this.#sessions.close(sessionId);
      if (spec?.afterwards === 'reset-device') this.factoryReset();
    }
    return { reply: sealed, command, isSignature: spec?.isSignature ?? false };
  }

  get #tick(): number {
    return Math.floor(this.#deps.monotonicMs() - this.#poweredOnMs) >>> 0;
  }
}

/** The command in a session message; `undefined` when it came through whole and makes no sense. */
function openRequest(channel: SecureChannel, frame: Uint8Array): Message | undefined {
  try {
    return channel.openRequest(frame);
  } catch (error) {
    if (!(error instanceof UntrustedMessageError)) throw error;
    if (error.flaw === 'padding' || error.flaw === 'inner-frame') return undefined;
    const isLength = error.flaw === 'length' || error.flaw === 'frame';
    const code = isLength ? FAULT.wrongLength : FAULT.authenticationFailed;
    throw new DeviceFault(code, { cause: error });
  }
}
