import { MemoryKey } from '@privval/hsm/memory/memory-key';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { describe, expect, test } from 'vitest';
import {
  blockNamed,
  instant,
  precommit,
  prevote,
  proposal,
} from '../../harness/consensus-messages.ts';
import { FakeKey } from '../../harness/fake-key.ts';
import { opensslVerifies } from '../../harness/independent-ed25519.ts';
import { plainVoteSignBytes } from '../../harness/plain-canonical.ts';
import { CHAIN, ValidatorsOnOneGate } from './validators-on-one-gate.ts';

/** What a YubiHSM takes for an Ed25519 signature. */
const SIGN_MS = 115;

const extension = new TextEncoder().encode('x');

describe('a key that takes 115 ms', () => {
  test('holds up no other validator', async () => {
    await using signer = new ValidatorsOnOneGate();
    const device = new FakeKey(signer, { signMs: SIGN_MS });
    const slow = signer.add('slow', device);
    const fast = signer.add('fast', MemoryKey.fromSecretKey(Ed25519SecretKey.generate()));
    const waiting = slow.signVote(CHAIN, prevote());
    await device.untilTaken(1);
    // No time passes for any of these.
    for (let height = 1n; height <= 50n; height++) {
      expect((await fast.signVote(CHAIN, precommit({ height, extension }))).kind).toBe('signed');
    }
    expect(signer.clock.monotonicMs()).toBe(0);
    await signer.clock.advance(SIGN_MS);
    expect((await waiting).kind).toBe('signed');
  });

  test('makes one signature for all who ask at one position, and an abort of one is not the others’ (S10)', async () => {
    await using signer = new ValidatorsOnOneGate();
    const device = new FakeKey(signer, { signMs: SIGN_MS });
    const validator = signer.add('slow', device);
    const abort = new AbortController();
    const first = validator.signVote(CHAIN, prevote({ timestamp: instant(1) }), abort);
    const second = validator.signVote(CHAIN, prevote({ timestamp: instant(2) }));
    const conflicting = validator.signVote(CHAIN, prevote({ blockId: blockNamed('B') }));
    await device.untilTaken(1);
    expect(await conflicting).toMatchObject({ reason: 'conflicting-sign-bytes' });
    abort.abort(new Error('disconnected'));
    await expect(first).rejects.toThrow('disconnected');
    await signer.clock.advance(SIGN_MS);
    const answer = await second;
    expect(answer).toMatchObject({ kind: 'signed', message: { timestamp: instant(1) } });
    expect(device.taken).toHaveLength(1);
  });

  test('gives its late signature to the next who asks, without signing again (S7)', async () => {
    await using signer = new ValidatorsOnOneGate();
    const device = new FakeKey(signer, { signMs: SIGN_MS, hearsAborts: false });
    const validator = signer.add('slow', device);
    const abort = new AbortController();
    const gone = validator.signVote(CHAIN, prevote(), abort);
    await device.untilTaken(1);
    abort.abort(new Error('disconnected'));
    await expect(gone).rejects.toThrow('disconnected');
    expect(signer.store.floor('slow').signature).toBeUndefined();
    await signer.clock.advance(SIGN_MS);
    expect(signer.store.floor('slow').signature).toHaveLength(64);
    const answer = await validator.signVote(CHAIN, prevote({ timestamp: instant(2) }));
    if (answer.kind !== 'signed') throw new Error(answer.text);
    const { signature } = answer.message;
    const bytes = plainVoteSignBytes(CHAIN, prevote());
    expect(opensslVerifies(device.publicKey.bytes, bytes, signature)).toBe(true);
    expect(device.taken).toHaveLength(1);
  });

  test('does not land its late signature on the floor of the next step (S7)', async () => {
    await using signer = new ValidatorsOnOneGate();
    const device = new FakeKey(signer, { signMs: SIGN_MS, hearsAborts: false });
    const validator = signer.add('slow', device);
    const abort = new AbortController();
    const gone = validator.signVote(CHAIN, prevote(), abort);
    await device.untilTaken(1);
    abort.abort(new Error('disconnected'));
    await expect(gone).rejects.toThrow('disconnected');
    const next = validator.signVote(CHAIN, precommit(), { skipExtensionSigning: true });
    await signer.clock.advance(SIGN_MS);
    expect(signer.store.floor('slow')).toMatchObject({ step: 'precommit', signature: undefined });
    await signer.clock.advance(SIGN_MS);
    expect((await next).kind).toBe('signed');
    expect(signer.store.floor('slow').signature).toHaveLength(64);
  });

  test('signs vote and extension one after the other, and each stage is told apart', async () => {
    await using signer = new ValidatorsOnOneGate();
    const device = new FakeKey(signer, { signMs: SIGN_MS });
    const validator = signer.add('slow', device);
    const answer = validator.signVote(CHAIN, precommit({ extension }));
    await device.untilTaken(1);
    await signer.clock.advance(SIGN_MS);
    await device.untilTaken(2);
    await signer.clock.advance(SIGN_MS);
    expect((await answer).kind).toBe('signed');
    expect(signer.logger.named('signed')).toMatchObject([
      { fields: { signMs: SIGN_MS, extensionMs: SIGN_MS, totalMs: 2 * SIGN_MS, verifyMs: 0 } },
    ]);
  });

  test('keeps an aborted vote’s position reserved across its extension (S25)', async () => {
    await using signer = new ValidatorsOnOneGate();
    const device = new FakeKey(signer, { signMs: SIGN_MS });
    const validator = signer.add('slow', device);
    const abort = new AbortController();
    const gone = validator.signVote(CHAIN, precommit({ extension }), abort);
    await device.untilTaken(1);
    await signer.clock.advance(SIGN_MS);
    await device.untilTaken(2);
    abort.abort(new Error('disconnected'));
    await expect(gone).rejects.toThrow('disconnected');
    await signer.clock.advance(SIGN_MS);
    expect(await validator.signVote(CHAIN, precommit({ blockId: blockNamed('B') }))).toMatchObject({
      reason: 'conflicting-sign-bytes',
    });
    const again = validator.signVote(CHAIN, precommit({ extension, timestamp: instant(2) }));
    await device.untilTaken(3);
    await signer.clock.advance(SIGN_MS);
    // The vote's signature was there already: the device made one for the extension only.
    expect(await again).toMatchObject({ kind: 'signed', message: { timestamp: instant(1) } });
    expect(device.taken).toHaveLength(3);
  });

  test('serves its own next height while nobody waits for a signature of the last', async () => {
    await using signer = new ValidatorsOnOneGate();
    const device = new FakeKey(signer, { signMs: SIGN_MS });
    const validator = signer.add('slow', device);
    const abort = new AbortController();
    const gone = validator.signProposal(CHAIN, proposal(), abort);
    await device.untilTaken(1);
    abort.abort(new Error('disconnected'));
    await expect(gone).rejects.toThrow('disconnected');
    const next = validator.signVote(CHAIN, prevote({ height: 2n }));
    await signer.clock.advance(SIGN_MS);
    await device.untilTaken(2);
    await signer.clock.advance(SIGN_MS);
    expect((await next).kind).toBe('signed');
  });
});
