/**
 * The memory that the main thread and the second one share: slots with a message to be signed or a
 * signature to be verified, and boxes through which secrets are handed over.
 */

/** Slots: twice as many as requests that share a turn on a machine with 64 chains. */
const COUNT = 128;
const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
/** Sign bytes are at most about 250 bytes long, those of a vote's extension what the chain puts in; longer ones are dealt with on the spot. */
const MESSAGE_BYTES = 1024;
const SLOT_BYTES = KEY_BYTES + SIGNATURE_BYTES + MESSAGE_BYTES;

/** Secrets that the second thread may hold. */
const SECRETS = 128;
const SEED_BYTES = 32;

/** Where which 32-bit words are: one for each slot or secret, but for the last two. */
const STATES = 0;
const LENGTHS = COUNT;
const SIGNERS = 2 * COUNT;
const SECRET_STATES = 3 * COUNT;
const DOORBELL = SECRET_STATES + SECRETS;
const PHASE = DOORBELL + 1;
const HEAD_BYTES = 4 * (PHASE + 1);
const BOXES_OFFSET = HEAD_BYTES + COUNT * SLOT_BYTES;

/** How many slots and secrets there is room for, and what memory they take. */
export const SIDE_ROOM: {
  readonly slots: number;
  readonly secrets: number;
  readonly bytes: number;
} = { slots: COUNT, secrets: SECRETS, bytes: BOXES_OFFSET + SECRETS * SEED_BYTES };

/** Words of {@link SharedSlots.words}: by slot, by secret, and two of their own. */
export const WORD: {
  readonly state: (slot: number) => number;
  readonly secret: (index: number) => number;
  /** Counts what was put into slots and boxes; the second thread sleeps on it. */
  readonly doorbell: number;
  /** One of {@link PHASE_OF_THREAD}. */
  readonly phase: number;
} = {
  state: (slot) => STATES + slot,
  secret: (index) => SECRET_STATES + index,
  doorbell: DOORBELL,
  phase: PHASE,
};

/** What a slot is. Only the main thread moves it to and from `free`; the rest is the other's. */
export const SLOT_STATE = { free: 0, pending: 1, busy: 2, good: 3, bad: 4 } as const;

/**
 * Where a secret is. The main thread moves it from `none` to `offered` (it lies in its box) and from
 * anything to `retired`; the second thread takes it out of the box (`taking`, `held`), and wipes it (`none`).
 */
export const SECRET_STATE = { none: 0, offered: 1, taking: 2, held: 3, retired: 4 } as const;

/** The second thread says that it is up; it is told to wipe its secrets and end, and says that it has. */
export const PHASE_OF_THREAD = { starting: 0, running: 1, ending: 2, wiped: 3 } as const;

/** In the place of a secret's number: the slot holds a signature, which is to be verified only. */
export const NO_SECRET = -1;

/** The memory, and the words at its head. */
export interface SharedSlots {
  readonly memory: SharedArrayBuffer;
  readonly words: Int32Array<SharedArrayBuffer>;
}

/** The views. */
export function sharedSlots(memory: SharedArrayBuffer): SharedSlots {
  return { memory, words: new Int32Array(memory, 0, HEAD_BYTES / 4) };
}

/** What the second thread, which imports nothing of ours, has to know. */
export function sideLayout(memory: SharedArrayBuffer): object {
  return {
    memory,
    count: COUNT,
    secrets: SECRETS,
    at: {
      states: STATES,
      lengths: LENGTHS,
      signers: SIGNERS,
      secretStates: SECRET_STATES,
      doorbell: DOORBELL,
      phase: PHASE,
    },
    headBytes: HEAD_BYTES,
    slotBytes: SLOT_BYTES,
    keyBytes: KEY_BYTES,
    signatureBytes: SIGNATURE_BYTES,
    boxesOffset: BOXES_OFFSET,
    seedBytes: SEED_BYTES,
    slotState: SLOT_STATE,
    secretState: SECRET_STATE,
    phases: PHASE_OF_THREAD,
  };
}

/** What is put into a slot: a message, with a signature or with the number of the secret that signs it. */
export interface SlotContent {
  readonly key: Uint8Array;
  readonly message: Uint8Array;
  readonly by: { readonly signature: Uint8Array } | { readonly secret: number };
}

/**
 * Writes into the slot at `index`, which is `free`: nobody else looks at it then.
 * @returns whether it fits.
 */
export function fillSlot(
  { memory, words }: SharedSlots,
  index: number,
  { key, message, by }: SlotContent,
): boolean {
  if (key.length !== KEY_BYTES || message.length > MESSAGE_BYTES) return false;
  if ('signature' in by && by.signature.length !== SIGNATURE_BYTES) return false;
  const bytes = new Uint8Array(memory, HEAD_BYTES + index * SLOT_BYTES, SLOT_BYTES);
  bytes.set(key);
  if ('signature' in by) bytes.set(by.signature, KEY_BYTES);
  bytes.set(message, KEY_BYTES + SIGNATURE_BYTES);
  words[LENGTHS + index] = message.length;
  words[SIGNERS + index] = 'secret' in by ? by.secret : NO_SECRET;
  return true;
}

/** Moves the signature out of a slot that the second thread is done with: a copy, and zeros where it was. */
export function takeSignature({ memory }: SharedSlots, index: number): Uint8Array {
  const place = new Uint8Array(
    memory,
    HEAD_BYTES + index * SLOT_BYTES + KEY_BYTES,
    SIGNATURE_BYTES,
  );
  const signature = new Uint8Array(place);
  place.fill(0);
  return signature;
}

/** The box through which the secret of that number is handed over: 32 bytes. */
export function secretBox({ memory }: SharedSlots, index: number): Uint8Array {
  return new Uint8Array(memory, BOXES_OFFSET + index * SEED_BYTES, SEED_BYTES);
}

/** Wakes the second thread, or keeps it from falling asleep. */
export function ring({ words }: SharedSlots): void {
  Atomics.add(words, DOORBELL, 1);
  Atomics.notify(words, DOORBELL, 1);
}
