// The second thread of the guard: signs and verifies what the main one puts into the shared slots.
// Plain JavaScript that imports nothing of ours: a thread that has to strip types takes 17 MiB
// more (docs/adr/0007). The layout of the memory comes with it.
import { workerData } from 'node:worker_threads';
import sodium from 'sodium-native';

const {
  memory,
  count,
  secrets: room,
  at,
  headBytes,
  slotBytes,
  keyBytes,
  signatureBytes,
} = workerData;
const { boxesOffset, seedBytes, slotState, secretState, phases } = workerData;
const words = new Int32Array(memory, 0, headBytes / 4);
const messageAt = keyBytes + signatureBytes;

/** By number: seed and public key in guarded memory, without access but while it signs. */
const held = new Array(room).fill(undefined);
const publicKeys = Array.from({ length: room }, () => new Uint8Array(keyBytes));
/** What is signed, and what is verified: two copies of a slot. */
const own = new Uint8Array(slotBytes);
const second = new Uint8Array(slotBytes);

Atomics.compareExchange(words, at.phase, phases.starting, phases.running);
for (;;) {
  const rings = Atomics.load(words, at.doorbell);
  for (let index = 0; index < room; index++) lookAfterSecret(index);
  if (Atomics.load(words, at.phase) === phases.ending) break;
  for (let index = 0; index < count; index++) {
    const word = at.states + index;
    const before = Atomics.compareExchange(words, word, slotState.pending, slotState.busy);
    if (before === slotState.pending) answer(index);
  }
  Atomics.wait(words, at.doorbell, rings);
}
for (let index = 0; index < room; index++) wipe(index);
Atomics.store(words, at.phase, phases.wiped);
Atomics.notify(words, at.phase);

function answer(index) {
  const slot = new Uint8Array(memory, headBytes + index * slotBytes, slotBytes);
  const end = messageAt + words[at.lengths + index];
  const signer = words[at.signers + index];
  own.set(slot);
  // As `verifyStrict` of @privval/proto/crypto/ed25519, over a copy that the signing has not seen (S20).
  second.set(slot);
  const isGood =
    (signer < 0 || sign(signer, end)) &&
    sodium.crypto_sign_verify_detached(
      own.subarray(keyBytes, messageAt),
      second.subarray(messageAt, end),
      second.subarray(0, keyBytes),
    );
  if (isGood && signer >= 0) slot.set(own.subarray(keyBytes, messageAt), keyBytes);
  Atomics.store(words, at.states + index, isGood ? slotState.good : slotState.bad);
  Atomics.notify(words, at.states + index);
}

/** Signs the message in `own` and puts the signature beside it, if that secret is the one of the slot's key. */
function sign(index, end) {
  const secret = held[index];
  if (secret === undefined) return false;
  if (!publicKeys[index].every((byte, i) => byte === own[i])) return false;
  sodium.sodium_mprotect_readonly(secret);
  try {
    sodium.crypto_sign_detached(
      own.subarray(keyBytes, messageAt),
      own.subarray(messageAt, end),
      secret,
    );
  } finally {
    sodium.sodium_mprotect_noaccess(secret);
  }
  return true;
}

function lookAfterSecret(index) {
  const word = at.secretStates + index;
  const { offered, taking, retired, none } = secretState;
  if (Atomics.compareExchange(words, word, offered, taking) === offered) take(index);
  if (Atomics.load(words, word) !== retired) return;
  wipe(index);
  Atomics.store(words, word, none);
}

/** Moves a secret from its box into guarded memory. */
function take(index) {
  const box = new Uint8Array(memory, boxesOffset + index * seedBytes, seedBytes);
  const seed = sodium.sodium_malloc(seedBytes);
  const secret = sodium.sodium_malloc(seedBytes + keyBytes);
  seed.set(box);
  box.fill(0);
  sodium.crypto_sign_seed_keypair(publicKeys[index], secret, seed);
  sodium.sodium_memzero(seed);
  sodium.sodium_free(seed);
  sodium.sodium_mprotect_noaccess(secret);
  held[index] = secret;
  // Should it have been retired meanwhile, it is wiped at once.
  Atomics.compareExchange(words, at.secretStates + index, secretState.taking, secretState.held);
}

function wipe(index) {
  const secret = held[index];
  if (secret === undefined) return;
  held[index] = undefined;
  sodium.sodium_mprotect_readwrite(secret);
  sodium.sodium_memzero(secret);
  sodium.sodium_free(secret);
}
