/** The verifying thread of `side-verifier.ts`: sleeps until the doorbell rings, looks through the slots, sleeps again. */
import { workerData } from 'node:worker_threads';
import { verifyStrict } from '@privval/proto/crypto/ed25519';
import { ed25519PublicKey } from '@privval/proto/crypto/public-key';
import { DOORBELL, SLOT_STATE, SLOTS, sharedSlots, slotOf } from './verify-slots.ts';

const slots = sharedSlots(workerData);
const { states } = slots;

for (;;) {
  const rings = Atomics.load(states, DOORBELL);
  for (let index = 0; index < SLOTS.count; index++) {
    const { pending, busy } = SLOT_STATE;
    if (Atomics.compareExchange(states, index, pending, busy) === pending) answer(index);
  }
  Atomics.wait(states, DOORBELL, rings);
}

function answer(index: number): void {
  const { key, message, signature } = slotOf(slots, index).read();
  const verdict = verifyStrict(ed25519PublicKey(key), message, signature);
  Atomics.store(states, index, verdict ? SLOT_STATE.valid : SLOT_STATE.invalid);
  Atomics.notify(states, index);
}
