import { InvariantError } from '@privval/proto/runtime/coded-error';
import { silentLogger } from '@privval/proto/runtime/logger';
import type { Proposal } from '@privval/proto/types/proposal';
import type { Vote } from '@privval/proto/types/vote';
import type { GateResult } from '@privval/signer/guard/gate';
import type { KeyFault } from '@privval/signer/guard/signing-flights';
import { Keyring } from '@privval/signer/keyring/keyring';
import { LocalPrivValidator } from '@privval/signer/priv-validator/local-priv-validator';
import { describe, expect, test } from 'vitest';
import {
  blockNamed,
  instant,
  precommit,
  prevote,
  proposal,
} from '../../harness/consensus-messages.ts';
import { FakeKey } from '../../harness/fake-key.ts';
import { ManualClock } from '../../harness/manual-clock.ts';
import { plainVoteSignBytes } from '../../harness/plain-canonical.ts';
import { CHAIN, ValidatorsOnOneGate } from './validators-on-one-gate.ts';

const A = blockNamed('A');
const shortHash = new Uint8Array(31);

describe('a request no Go node would make', () => {
  test.each<[string, Partial<Vote>]>([
    ['a negative height', { height: -1n }],
    ['a height beyond int64', { height: 2n ** 63n }],
    ['a negative round', { round: -1 }],
    ['a round beyond int32', { round: 2 ** 31 }],
    ['a broken round', { round: 0.5 }],
    ['no round', { round: Number.NaN }],
    ['a block hash of 31 bytes', { blockId: { ...A, hash: shortHash } }],
    ['a block hash of 33 bytes', { blockId: { ...A, hash: new Uint8Array(33) } }],
    [
      'a part set hash of 31 bytes',
      { blockId: { ...A, partSetHeader: { total: 1, hash: shortHash } } },
    ],
    ['parts beyond uint32', { blockId: { ...A, partSetHeader: { total: 2 ** 32, hash: A.hash } } }],
    ['a time in the year 10000', { timestamp: { seconds: 253_402_300_800n, nanos: 0 } }],
    ['a time before the year 1', { timestamp: { seconds: -62_135_596_801n, nanos: 0 } }],
    ['a second of a thousand million nanoseconds', { timestamp: { seconds: 0n, nanos: 1e9 } }],
  ])('is refused and reserves nothing: %s', async (_, change) => {
    await using signer = new ValidatorsOnOneGate();
    const key = new FakeKey(signer);
    const validator = signer.add('v', key);
    for (const result of [
      await validator.signVote(CHAIN, prevote(change)),
      await validator.signVote(CHAIN, precommit(change)),
      await validator.signProposal(CHAIN, proposal(change as Partial<Proposal>)),
    ]) {
      expect(result).toMatchObject({ kind: 'refused', reason: 'invalid-request' });
    }
    expect(signer.store.floor('v')).toMatchObject({ height: 0n, step: 'none' });
    expect(key.taken).toHaveLength(0);
  });

  test.each([-2, 2 ** 31, 0.5, Number.NaN])(
    'is refused: a proposal with POL round %d',
    async (polRound) => {
      await using signer = new ValidatorsOnOneGate();
      const key = new FakeKey(signer);
      const validator = signer.add('v', key);
      expect(await validator.signProposal(CHAIN, proposal({ polRound }))).toMatchObject({
        kind: 'refused',
        code: 'ERR_INVALID_POSITION',
      });
      expect(key.taken).toEqual([]);
    },
  );
});

/** A validator on a gate with a bug: it answers everything with `answer`. */
function withBrokenGate(key: FakeKey, answer: GateResult): LocalPrivValidator {
  return new LocalPrivValidator(
    {
      gate: { sign: async () => answer, releaseRefusal: () => undefined },
      keyring: new Keyring(key),
      clock: new ManualClock(),
      logger: silentLogger,
    },
    { validator: 'v', chainId: CHAIN },
  );
}

describe('an answer of the gate that cannot be ends the process', () => {
  const timings = { queueMs: 0, reserveMs: 0, signMs: 0, verifyMs: 0 };

  test.each([
    ['another block', prevote({ blockId: blockNamed('B') }), CHAIN],
    ['another height', prevote({ height: 2n }), CHAIN],
    ['another type', precommit(), CHAIN],
    ['another chain', prevote(), 'another'],
  ])('the signature of %s', async (_, other, chain) => {
    await using key = new FakeKey({ clock: new ManualClock() });
    const signBytes = plainVoteSignBytes(chain, other);
    const answer: GateResult = {
      kind: 'signed',
      signBytes,
      publicKey: key.publicKey.bytes,
      signature: await key.sign(signBytes),
      isRepeat: false,
      timings,
    };
    const validator = withBrokenGate(key, answer);
    await expect(validator.signVote(CHAIN, prevote())).rejects.toBeInstanceOf(InvariantError);
  });

  test('a signature by a key that is not the validator’s, under which no extension is signed', async () => {
    await using key = new FakeKey({ clock: new ManualClock() });
    const answer: GateResult = {
      kind: 'signed',
      signBytes: plainVoteSignBytes(CHAIN, precommit()),
      publicKey: new Uint8Array(32),
      signature: new Uint8Array(64),
      isRepeat: false,
      timings,
    };
    const validator = withBrokenGate(key, answer);
    await expect(validator.signVote(CHAIN, precommit())).rejects.toBeInstanceOf(InvariantError);
    expect(key.taken).toEqual([]);
  });

  test('the time of the bytes signed is what is answered, never the one asked (S5)', async () => {
    await using key = new FakeKey({ clock: new ManualClock() });
    const signBytes = plainVoteSignBytes(CHAIN, prevote({ timestamp: instant(5) }));
    const answer: GateResult = {
      kind: 'signed',
      signBytes,
      publicKey: key.publicKey.bytes,
      signature: await key.sign(signBytes),
      isRepeat: false,
      timings,
    };
    const result = await withBrokenGate(key, answer).signVote(CHAIN, prevote());
    expect(result).toMatchObject({ kind: 'signed', message: { timestamp: instant(5) } });
  });
});

test('a key that signs an extension wrongly is reported once, as one that signs a vote wrongly (S20)', async () => {
  await using key = new FakeKey({ clock: new ManualClock() });
  const signBytes = plainVoteSignBytes(CHAIN, precommit());
  const signature = await key.sign(signBytes);
  const faults: KeyFault[] = [];
  const validator = new LocalPrivValidator(
    {
      gate: {
        releaseRefusal: () => undefined,
        sign: async () => ({
          kind: 'signed',
          signBytes,
          publicKey: key.publicKey.bytes,
          signature,
          isRepeat: false,
          timings: { queueMs: 0, reserveMs: 0, signMs: 0, verifyMs: 0 },
        }),
      },
      keyring: new Keyring(key),
      clock: new ManualClock(),
      logger: silentLogger,
      onKeyFault: (fault) => faults.push(fault),
    },
    { validator: 'v', chainId: CHAIN },
  );
  key.health = 'wrong-signature';
  await expect(validator.signVote(CHAIN, precommit())).rejects.toMatchObject({
    code: 'ERR_SIGNATURE_INVALID',
    validator: 'v',
  });
  expect(faults).toMatchObject([{ validator: 'v', publicKey: key.publicKey }]);
});
