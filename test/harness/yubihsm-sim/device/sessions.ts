/** The 16 sessions a device keeps, half-open ones included. */
import type { SecureChannel } from 'yubihsm/channel/secure-channel';
import type { SymmetricDeviceHandshake } from 'yubihsm/channel/symmetric-device-handshake';
import type { Principal } from './access.ts';
import { DeviceFault, FAULT } from './device-fault.ts';

/** Ids 0 to 15. */
export const MAX_SESSIONS = 16;

/** After this long without a command a session is gone. */
export const IDLE_LIMIT_MS = 30_000;

/** A session on its way, or open. */
export type Session =
  | { readonly state: 'half-open'; readonly handshake: SymmetricDeviceHandshake }
  | { readonly state: 'open'; readonly channel: SecureChannel };

interface Slot {
  readonly principal: Principal;
  session: Session;
  lastUsedMs: number;
}

/** The table of sessions. The clock decides when one has idled out. */
export class Sessions {
  readonly #nowMs: () => number;
  readonly #slots = new Map<number, Slot>();

  constructor(deps: { readonly nowMs: () => number }) {
    this.#nowMs = deps.nowMs;
  }

  /** How many there are now. */
  get count(): number {
    this.#dropIdle();
    return this.#slots.size;
  }

  /** The lowest free id. @throws {DeviceFault} 05 when there is none. */
  freeId(): number {
    this.#dropIdle();
    for (let id = 0; id < MAX_SESSIONS; id++) if (!this.#slots.has(id)) return id;
    throw new DeviceFault(FAULT.sessionsFull);
  }

  /** Takes the id, which {@link freeId} gave. */
  open(id: number, principal: Principal, session: Session): void {
    this.#slots.set(id, { principal, session, lastUsedMs: this.#nowMs() });
  }

  /** What is at `id`. @throws {DeviceFault} 03 when nothing is, or nothing any more. */
  get(id: number): { readonly principal: Principal; readonly session: Session } {
    this.#dropIdle();
    const slot = this.#slots.get(id);
    if (slot === undefined) throw new DeviceFault(FAULT.invalidSession);
    return slot;
  }

  /** A half-open session has authenticated. */
  authenticated(id: number, channel: SecureChannel): void {
    const slot = this.#slots.get(id);
    if (slot === undefined) return;
    slot.session = { state: 'open', channel };
    this.touch(id);
  }

  /** A command has arrived: the idle time begins anew. */
  touch(id: number): void {
    const slot = this.#slots.get(id);
    if (slot !== undefined) slot.lastUsedMs = this.#nowMs();
  }

  close(id: number): void {
    const session = this.#slots.get(id)?.session;
    if (session?.state === 'open') session.channel[Symbol.dispose]();
    this.#slots.delete(id);
  }

  closeAll(): void {
    for (const id of [...this.#slots.keys()]) this.close(id);
  }

  #dropIdle(): void {
    const nowMs = this.#nowMs();
    for (const [id, slot] of this.#slots) {
      if (nowMs - slot.lastUsedMs >= IDLE_LIMIT_MS) this.close(id);
    }
  }
}
