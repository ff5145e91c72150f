// The verifying thread of `side-verifier.ts`: sleeps until the doorbell rings, looks through the
// slots, sleeps again. Plain JavaScript that imports nothing of ours: a thread that has to strip
// types takes 17 MiB more (docs/adr/0007). The layout of the slots comes with the memory.
import { workerData } from 'node:worker_threads';
import sodium from 'sodium-native';

const { memory, count, doorbell, headBytes, slotBytes, keyBytes, signatureBytes, state } =
  workerData;
const states = new Int32Array(memory, 0, headBytes / 4);

for (;;) {
  const rings = Atomics.load(states, doorbell);
  for (let index = 0; index < count; index++) {
    const before = Atomics.compareExchange(states, index, state.pending, state.busy);
    if (before === state.pending) answer(index);
  }
  Atomics.wait(states, doorbell, rings);
}

/** As `verifyStrict` of @privval/proto/crypto/ed25519, over a copy of the slot. */
function answer(index) {
  const own = new Uint8Array(slotBytes);
  own.set(new Uint8Array(memory, headBytes + index * slotBytes, slotBytes));
  const start = keyBytes + signatureBytes;
  const verdict = sodium.crypto_sign_verify_detached(
    own.subarray(keyBytes, start),
    own.subarray(start, start + states[count + 1 + index]),
    own.subarray(0, keyBytes),
  );
  Atomics.store(states, index, verdict ? state.valid : state.invalid);
  Atomics.notify(states, index);
}
