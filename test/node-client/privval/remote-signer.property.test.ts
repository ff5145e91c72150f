import {
  proposalSignBytes,
  voteExtensionSignBytes,
  voteSignBytes,
} from '@privval/proto/codec/sign-bytes';
import { verifyStrict } from '@privval/proto/crypto/ed25519';
import type { PublicKey } from '@privval/proto/crypto/public-key';
import { isNilBlockId, NIL_BLOCK_ID } from '@privval/proto/types/block-id';
import type { Proposal } from '@privval/proto/types/proposal';
import type { Vote } from '@privval/proto/types/vote';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SIGNER_MOVES, type SignerMove } from '../../harness/scripted-signer.ts';
import { CHAIN, newProposal, newVote, RemoteSignerRig } from './remote-signer-rig.ts';

interface Call {
  readonly what: 'vote' | 'nil vote' | 'prevote' | 'proposal' | 'key';
  /** Time after which the caller gives up; `undefined` never. */
  readonly abortAfterMs: number | undefined;
}

const call: fc.Arbitrary<Call> = fc.record({
  what: fc.constantFrom('vote', 'nil vote', 'prevote', 'proposal', 'key'),
  abortAfterMs: fc.option(fc.constantFrom(0, 50, 115, 3_000, 5_000, 20_000), { nil: undefined }),
});

/** How the clock is moved. */
const STEP_MS = 50;

/** Time in which every call without an abort must have ended: 5 attempts of at most 3 + 5 + 5 s each, one after the other. */
const END_MS = 12 * 5 * 14_000;

test('whatever a signer does, only signatures over our own message come back, and nobody waits for ever', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...SIGNER_MOVES), { minLength: 1, maxLength: 20 }),
      fc.array(call, { minLength: 1, maxLength: 6 }),
      async (moves, calls) => {
        await using rig = new RemoteSignerRig({ retry: { attempts: 5, delayMs: 100 } });
        const next = movesOf(moves);
        let current = rig.connectWith(next);
        let over = false;
        const outcomes = calls.map((one, index) => make(rig, one, BigInt(index + 1)));
        const all = Promise.all(outcomes).then(() => {
          over = true;
        });
        let ended = false;
        const watch = (): void => {
          const watched = current;
          void watched.closed.then(() => {
            if (watched === current) ended = true;
          });
        };
        watch();
        for (let elapsedMs = 0; !over && elapsedMs < END_MS; elapsedMs += STEP_MS) {
          await rig.clock.advance(STEP_MS);
          // A signer that was dropped, or has closed, comes back.
          if (ended && !over) {
            ended = false;
            current = rig.connectWith(next);
            watch();
          }
        }
        expect(over, 'a call never ended').toBe(true);
        await all;
      },
    ),
    { numRuns: 150 },
  );
});

function movesOf(moves: readonly SignerMove[]): () => SignerMove {
  let count = 0;
  return () => moves[count++ % moves.length] ?? 'answer';
}

/** Makes one call and checks what comes of it. Resolves when it has ended, well or badly. */
async function make(rig: RemoteSignerRig, one: Call, height: bigint): Promise<void> {
  const controller = new AbortController();
  const reason = new Error('given up');
  let abortedAtMs = Number.POSITIVE_INFINITY;
  if (one.abortAfterMs !== undefined) {
    void rig.clock.sleep(one.abortAfterMs).then(() => {
      abortedAtMs = rig.clock.monotonicMs();
      controller.abort(reason);
    });
  }
  let check: () => void;
  try {
    check = await checkOf(rig, one, height, controller.signal);
  } catch (error) {
    check = () => {
      if (error !== reason) expect(error).toHaveProperty('code', expect.stringMatching(/^ERR_/));
    };
  }
  // An abort ends the wait in the same turn; the clock has moved on by at most one step since.
  expect(rig.clock.monotonicMs() - abortedAtMs).toBeLessThanOrEqual(STEP_MS);
  check();
}

/** Makes the call and returns what has to be true of its result. */
async function checkOf(
  rig: RemoteSignerRig,
  one: Call,
  height: bigint,
  signal: AbortSignal,
): Promise<() => void> {
  const { publicKey } = rig.key;
  if (one.what === 'key') {
    const answered = await rig.remote.publicKey(CHAIN, { signal });
    return () => expect(answered).toEqual(publicKey);
  }
  if (one.what === 'proposal') {
    const asked = newProposal({ height });
    const result = await rig.remote.signProposal(CHAIN, asked, { signal });
    return () => result.kind === 'signed' && checkProposal(publicKey, asked, result.message);
  }
  const asked = voteOf(one.what, height);
  const result = await rig.remote.signVote(CHAIN, asked, { signal });
  return () => result.kind === 'signed' && checkVote(publicKey, asked, result.message);
}

function checkProposal(publicKey: PublicKey, asked: Proposal, signed: Proposal): void {
  const { signature, timestamp } = signed;
  expect(signed).toEqual({ ...asked, signature, timestamp });
  const bytes = proposalSignBytes(CHAIN, { ...asked, timestamp });
  expect(verifyStrict(publicKey, bytes, signature)).toBe(true);
}

function checkVote(publicKey: PublicKey, asked: Vote, signed: Vote): void {
  const { signature, timestamp, extensionSignature } = signed;
  expect(signed).toEqual({ ...asked, signature, timestamp, extensionSignature });
  const bytes = voteSignBytes(CHAIN, { ...asked, timestamp });
  expect(verifyStrict(publicKey, bytes, signature)).toBe(true);
  if (asked.type === 'prevote' || isNilBlockId(asked.blockId)) {
    expect(extensionSignature).toHaveLength(0);
  } else {
    const extensionBytes = voteExtensionSignBytes(CHAIN, asked);
    expect(verifyStrict(publicKey, extensionBytes, extensionSignature)).toBe(true);
  }
}

function voteOf(what: 'vote' | 'nil vote' | 'prevote', height: bigint): Vote {
  const extension = new Uint8Array(0);
  if (what === 'vote') return newVote({ height });
  if (what === 'prevote') return newVote({ height, type: 'prevote', extension });
  return newVote({ height, blockId: NIL_BLOCK_ID, extension });
}
