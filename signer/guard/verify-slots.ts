/** The memory that the main thread and the verifying one share: slots with a key, a signature and a message. */

const COUNT = 128;
const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
/** Sign bytes are at most about 250 bytes long; anything longer is verified on the spot. */
const MESSAGE_BYTES = 416;
const SLOT_BYTES = KEY_BYTES + SIGNATURE_BYTES + MESSAGE_BYTES;
/** A state for each slot, the doorbell, and a length for each slot: 32-bit words. */
const HEAD_BYTES = 4 * (2 * COUNT + 1);

/** How many slots there are, and what memory they take. */
export const SLOTS: { readonly count: number; readonly bytes: number } = {
  count: COUNT,
  bytes: HEAD_BYTES + COUNT * SLOT_BYTES,
};

/** Word that counts what was put into slots; the verifying thread sleeps on it. */
export const DOORBELL: number = COUNT;

/** What a slot is. Only the main thread moves it to and from `free`; the rest is the other's. */
export const SLOT_STATE = { free: 0, pending: 1, busy: 2, valid: 3, invalid: 4 } as const;

/** Views of the shared memory. */
export interface SharedSlots {
  readonly memory: SharedArrayBuffer;
  /** States by slot, then the doorbell, then message lengths by slot. */
  readonly states: Int32Array<SharedArrayBuffer>;
}

/** The views. */
export function sharedSlots(memory: SharedArrayBuffer): SharedSlots {
  return { memory, states: new Int32Array(memory, 0, 2 * COUNT + 1) };
}

/** What the verifying thread, which imports nothing of ours, has to know. */
export function verifierLayout(memory: SharedArrayBuffer): object {
  return {
    memory,
    count: COUNT,
    doorbell: DOORBELL,
    headBytes: HEAD_BYTES,
    slotBytes: SLOT_BYTES,
    keyBytes: KEY_BYTES,
    signatureBytes: SIGNATURE_BYTES,
    state: SLOT_STATE,
  };
}

/**
 * Writes into the slot at `index`, which is `free`: nobody else looks at it then.
 * @returns whether it fits.
 */
export function fillSlot(
  { memory, states }: SharedSlots,
  index: number,
  content: {
    readonly key: Uint8Array;
    readonly message: Uint8Array;
    readonly signature: Uint8Array;
  },
): boolean {
  const { key, message, signature } = content;
  const fits =
    key.length === KEY_BYTES &&
    signature.length === SIGNATURE_BYTES &&
    message.length <= MESSAGE_BYTES;
  if (!fits) return false;
  const bytes = new Uint8Array(memory, HEAD_BYTES + index * SLOT_BYTES, SLOT_BYTES);
  bytes.set(key);
  bytes.set(signature, KEY_BYTES);
  bytes.set(message, KEY_BYTES + SIGNATURE_BYTES);
  states[COUNT + 1 + index] = message.length;
  return true;
}
