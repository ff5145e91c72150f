/** A session with the simulated device, by bytes: shares no command of the client with it. */
import { randomBytes } from 'node:crypto';
import type { SecureChannel } from 'yubihsm/channel/secure-channel';
import type { AuthenticationKeys } from 'yubihsm/channel/session-keys';
import { SymmetricHandshake } from 'yubihsm/channel/symmetric-handshake';
import {
  SimulatedDevice,
  type SimulatedDeviceOptions,
} from '../../harness/yubihsm-sim/device/simulated-device.ts';
import { DEFAULT_KEYS, hex } from '../channel/vectors.ts';

/** Both keys of the factory's authentication key. */
export const FACTORY_KEYS: AuthenticationKeys = {
  encKey: hex(DEFAULT_KEYS.encKey),
  macKey: hex(DEFAULT_KEYS.macKey),
};

/** A device whose clock stands still until a test moves it. */
export class DeviceUnderTest {
  nowMs = 0;
  /** What the device's generator gives next, before it gives anything random. */
  readonly nextRandom: Uint8Array[] = [];
  readonly device: SimulatedDevice;

  constructor(options: SimulatedDeviceOptions = {}) {
    const random = (count: number): Uint8Array =>
      this.nextRandom.shift() ?? Uint8Array.from(randomBytes(count));
    this.device = new SimulatedDevice({ monotonicMs: () => this.nowMs, random }, options);
  }

  /** A frame in hexadecimal, and the reply in hexadecimal. */
  plain(frame: string): string {
    return this.device.exchange(hex(frame)).reply.toHex();
  }

  /** A new session. */
  open(authKeyId = 1, keys: AuthenticationKeys = FACTORY_KEYS): RawSession {
    const handshake = new SymmetricHandshake({
      authKeyId,
      keys: { encKey: keys.encKey.slice(), macKey: keys.macKey.slice() },
      hostChallenge: Uint8Array.from(randomBytes(8)),
    });
    const first = this.device.exchange(handshake.createSession).reply;
    const second = this.device.exchange(handshake.receive(first)).reply;
    return new RawSession(this.device, handshake.finish(second));
  }
}

/** One session: encrypts, and shows what came back. */
export class RawSession {
  readonly #device: SimulatedDevice;
  readonly #channel: SecureChannel;

  constructor(device: SimulatedDevice, channel: SecureChannel) {
    this.#device = device;
    this.#channel = channel;
  }

  get id(): number {
    return this.#channel.sessionId;
  }

  /** Runs a command: the inner reply with its header, in hexadecimal; or the outer error. */
  run(code: number, data: string | Uint8Array = ''): string {
    const bytes = typeof data === 'string' ? hex(data) : data;
    const reply = this.#device.exchange(this.seal(code, bytes)).reply;
    if (reply[0] === 0x7f) return `outer ${reply.toHex()}`;
    const inner = this.#channel.openReply(reply);
    const head = `${byte(inner.command)}${word(inner.data.length)}`;
    return head + inner.data.toHex();
  }

  /** Runs a command that has to work, and returns the data of its reply. */
  data(code: number, data: string | Uint8Array = ''): Uint8Array {
    const reply = this.run(code, data);
    if (!reply.startsWith(byte(code | 0x80))) throw new Error(`the device said ${reply}`);
    return hex(reply.slice(6));
  }

  /** The outer frame of a command; the session then waits for its reply. */
  seal(code: number, data: Uint8Array): Uint8Array {
    return this.#channel.sealRequest({ command: code, data });
  }
}

/** An error as the inner reply. */
export const error = (code: number): string => `7f0001${byte(code)}`;

/** What object parameters a test gives, and what it leaves open. */
export interface ParamsText {
  readonly id?: number;
  readonly label?: string;
  readonly domains?: number;
  readonly capabilities?: bigint;
  readonly algorithm: number;
}

/** The 53 bytes that begin every command that makes an object, in hexadecimal. */
export function params(text: ParamsText): string {
  const { id = 0, label = '', domains = 1, capabilities = 0n, algorithm } = text;
  const labelHex = new TextEncoder().encode(label).toHex().padEnd(80, '0');
  return `${word(id)}${labelHex}${word(domains)}${long(capabilities)}${byte(algorithm)}`;
}

export const byte = (value: number): string => value.toString(16).padStart(2, '0');
export const word = (value: number): string => value.toString(16).padStart(4, '0');
export const long = (value: bigint): string => value.toString(16).padStart(16, '0');

/** Capability bits, by number. */
export const bits = (...numbers: readonly number[]): bigint =>
  numbers.reduce((sum, number) => sum | (1n << BigInt(number)), 0n);

/** All 64 of them. */
export const ALL = 0xffff_ffff_ffff_ffffn;

/** Command codes that the tests name. */
export const CODE = {
  echo: 0x01,
  deviceInfo: 0x06,
  resetDevice: 0x08,
  closeSession: 0x40,
  getStorageInfo: 0x41,
  putOpaque: 0x42,
  getOpaque: 0x43,
  putAuthenticationKey: 0x44,
  putAsymmetricKey: 0x45,
  generateAsymmetricKey: 0x46,
  listObjects: 0x48,
  exportWrapped: 0x4a,
  importWrapped: 0x4b,
  putWrapKey: 0x4c,
  getLogEntries: 0x4d,
  getObjectInfo: 0x4e,
  setOption: 0x4f,
  getOption: 0x50,
  getPseudoRandom: 0x51,
  putHmacKey: 0x52,
  signHmac: 0x53,
  getPublicKey: 0x54,
  signEcdsa: 0x56,
  deriveEcdh: 0x57,
  deleteObject: 0x58,
  generateHmacKey: 0x5a,
  generateWrapKey: 0x5b,
  verifyHmac: 0x5c,
  signAttestationCertificate: 0x64,
  setLogIndex: 0x67,
  wrapData: 0x68,
  unwrapData: 0x69,
  signEddsa: 0x6a,
  blinkDevice: 0x6b,
  changeAuthenticationKey: 0x6c,
} as const;

/** Puts an authentication key with one password-like byte as both keys, and opens a session on it. */
export function openAs(
  device: DeviceUnderTest,
  rights: {
    readonly id: number;
    readonly domains?: number;
    readonly capabilities?: bigint;
    readonly delegated?: bigint;
  },
): RawSession {
  const { id, delegated = 0n } = rights;
  const key = byte(id & 0xff).repeat(16);
  device
    .open()
    .data(
      CODE.putAuthenticationKey,
      params({ ...rights, algorithm: 38 }) + long(delegated) + key + key,
    );
  return device.open(id, { encKey: hex(key), macKey: hex(key) });
}
