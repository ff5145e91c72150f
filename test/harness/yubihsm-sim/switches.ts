/** What can be done to the device from outside. The first four are reached over HTTP too. */
import type { DevicePort } from './connector/device-port.ts';
import type { WrongAnswerPlan, WrongAnswers } from './connector/wrong-answers.ts';
import { type EcKey, generateEcKey } from './crypto/ec-key.ts';
import { ed25519KeyFromSeed } from './crypto/ed25519-key.ts';
import { LOG_SLOTS, NO_ID } from './device/audit-log.ts';
import { OBJECT_TYPE } from './device/object-type.ts';
import type { SimulatedDevice } from './device/simulated-device.ts';

/** What the switches act upon. */
export interface SwitchesDeps {
  readonly port: DevicePort;
  readonly device: SimulatedDevice;
  readonly wrongAnswers: WrongAnswers;
  /** Closes the connections that wait for a next request: what the connector does after 5 s. */
  readonly closeIdleConnections: () => void;
}

/** One handle for tests. */
export class Switches {
  readonly #deps: SwitchesDeps;

  constructor(deps: SwitchesDeps) {
    this.#deps = deps;
  }

  /** Pulls the device. Everything in the queue is answered 500. */
  unplug(): void {
    this.#deps.port.unplug();
  }

  /** Puts it in again: no session is left, and the log has one more boot. */
  plug(): void {
    this.#deps.port.plug();
  }

  /** Pulls the device and puts it in again. */
  powerCycle(): void {
    this.unplug();
    this.plug();
  }

  /** The device hangs for `ms`; see `DevicePort`. */
  stall(ms: number): void {
    this.#deps.port.stall(ms);
  }

  /** Frames that the connector has taken and not answered. */
  get framesWaiting(): number {
    return this.#deps.port.waiting;
  }

  /** All sessions are gone, as after 30 s of nothing. */
  resetSessions(): void {
    this.#deps.device.dropSessions();
  }

  /** Milliseconds that each signature command takes, and nothing else does. */
  get latencyMs(): number {
    return this.#deps.port.latencyMs;
  }

  set latencyMs(ms: number) {
    this.#deps.port.latencyMs = ms;
  }

  /** Arms wrong answers; several plans are spent one after the other. */
  answerWrongly(plan: WrongAnswerPlan): void {
    this.#deps.wrongAnswers.arm(plan);
  }

  /** Disarms all wrong answers. */
  answerRightly(): void {
    this.#deps.wrongAnswers.clear();
  }

  /** Wrong answers that have not been given yet. */
  get wrongAnswersLeft(): number {
    return this.#deps.wrongAnswers.left;
  }

  /** Fills the log to its last slot with entries of a command that does not exist. */
  fillLog(): void {
    const { log } = this.#deps.device.state;
    const ids = { sessionKey: NO_ID, targetKey: NO_ID, secondKey: NO_ID };
    while (log.used < LOG_SLOTS) {
      log.add({ command: 0x7e, length: 0, ...ids, result: 0xfe, tick: 0 }, true);
    }
  }

  /** Another device sits in the socket, with the same objects: another serial, and other keys of its own. */
  changeSerial(serial: number): void {
    const { device } = this.#deps;
    const { staticKey } = device.state.identity;
    const fresh = (): EcKey => generateEcKey(staticKey.curve, device.state.random);
    device.become({ serial, staticKey: fresh(), attestationKey: fresh() });
    device.dropSessions();
  }

  /** Another Ed25519 key lies under the id of an asymmetric key. */
  changeEd25519Key(id: number): void {
    const { store, random } = this.#deps.device.state;
    const object = store.get(OBJECT_TYPE.asymmetricKey, id);
    if (object === undefined) throw new RangeError(`no asymmetric key ${id}`);
    const key = ed25519KeyFromSeed(random(32));
    store.replace({ ...object, material: { kind: 'ed25519', key } });
  }

  /** Closes the connections that are kept alive: the next request on one of them finds it closed. */
  closeIdleConnections(): void {
    this.#deps.closeIdleConnections();
  }
}
