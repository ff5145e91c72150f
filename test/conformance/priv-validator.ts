/**
 * What every {@link PrivValidator} must do, local or remote. The suite brings the key, a device it
 * can hold, break and watch; signatures are checked by OpenSSL over sign bytes of the suite's own.
 */
import type { SigningKey } from '@privval/hsm/signing-key';
import type { PublicKey } from '@privval/proto/crypto/public-key';
import type { PrivValidator, SignResult } from '@privval/proto/privval/priv-validator';
import { CodedError } from '@privval/proto/runtime/coded-error';
import { type ChainId, parseChainId } from '@privval/proto/types/chain-id';
import type { Proposal } from '@privval/proto/types/proposal';
import type { Vote } from '@privval/proto/types/vote';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  blockNamed,
  instant,
  nil,
  precommit,
  prevote,
  proposal,
} from '../harness/consensus-messages.ts';
import { FakeKey } from '../harness/fake-key.ts';
import { opensslVerifies } from '../harness/independent-ed25519.ts';
import { ManualClock } from '../harness/manual-clock.ts';
import {
  plainExtensionSignBytes,
  plainProposalSignBytes,
  plainVoteSignBytes,
} from '../harness/plain-canonical.ts';

/** A validator to try: a floor at nothing, and the key it was made with. */
export interface PrivValidatorUnderTest {
  readonly privValidator: PrivValidator;
  readonly publicKey: PublicKey;
  readonly chainId: ChainId;
  /** Ends it and everything behind it. The key stays the suite's. */
  dispose(): Promise<void>;
}

/** What differs between implementations. */
export interface PrivValidatorTraits {
  /** Whether a refusal carries the guard's own reason; a remote one is told by a text only. @default true */
  readonly knowsReasons?: boolean;
}

type Message = Vote | Proposal;
type Ask = (subject: PrivValidatorUnderTest) => Promise<SignResult<Message>>;

const ask = (message: Message, skipExtensionSigning = false): Ask =>
  'type' in message
    ? ({ privValidator, chainId }) =>
        privValidator.signVote(chainId, message, { skipExtensionSigning })
    : ({ privValidator, chainId }) => privValidator.signProposal(chainId, message);

const extension = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Registers the suite. `make` builds a validator on the key given, with nothing signed yet. */
export function describePrivValidator(
  name: string,
  make: (key: SigningKey) => Promise<PrivValidatorUnderTest>,
  traits: PrivValidatorTraits = {},
): void {
  describe(`${name} is a PrivValidator`, () => {
    let key: FakeKey;
    let subject: PrivValidatorUnderTest;
    beforeEach(async () => {
      key = new FakeKey({ clock: new ManualClock() });
      subject = await make(key);
    });
    afterEach(async () => {
      key.release();
      await subject.dispose();
      await key[Symbol.asyncDispose]();
    });

    /** Asks and expects a signature that covers the message as answered. */
    async function signed<M extends Message>(message: M, skip = false): Promise<M> {
      const result = await ask(message, skip)(subject);
      if (result.kind !== 'signed') throw new Error(`refused: ${result.text}`);
      const answer = result.message as M;
      expectSignature(subject, answer);
      if ('type' in answer && !skip) {
        const isExtensible = answer.type === 'precommit' && answer.blockId.hash.length > 0;
        expect(answer.extensionSignature).toHaveLength(isExtensible ? 64 : 0);
      }
      return answer;
    }

    async function refused(message: Message, reason: string, skip = false): Promise<void> {
      const result = await ask(message, skip)(subject);
      expect(result).toMatchObject({ kind: 'refused' });
      expect(result).not.toHaveProperty('message');
      if (result.kind !== 'refused') return;
      expect(result.code).toMatch(/^ERR_/);
      expect(result.text).not.toBe('');
      expect(result.reason).toBe((traits.knowsReasons ?? true) ? reason : 'remote');
    }

    /** Signed, refused, or neither: a fault. Remote signers answer a fault behind them with a refusal. */
    async function isSigned(message: Message): Promise<boolean> {
      try {
        return (await ask(message)(subject)).kind === 'signed';
      } catch (error) {
        expect(error).toBeInstanceOf(CodedError);
        return false;
      }
    }

    test('tells its public key, of which the suite knows that it is its own', async () => {
      const { privValidator, chainId, publicKey } = subject;
      const told = await privValidator.publicKey(chainId);
      expect(told.type).toBe('ed25519');
      expect(told.bytes.toHex()).toBe(publicKey.bytes.toHex());
      expect(told.bytes.toHex()).toBe(key.publicKey.bytes.toHex());
      const later = await privValidator.publicKey(chainId, { nextHeight: 5n });
      expect(later.bytes.toHex()).toBe(told.bytes.toHex());
    });

    test('signs proposal, prevote and precommit of a first height, and of the next', async () => {
      for (const height of [1n, 2n]) {
        await signed(proposal({ height }));
        await signed(prevote({ height }));
        await signed(precommit({ height }));
      }
    });

    test('answers with all that was asked, signature and time apart', async () => {
      const asked = precommit({ validatorIndex: -5, extension: extension('x') });
      const { signature: _, extensionSignature: __, ...rest } = await signed(asked);
      const { signature: ___, extensionSignature: ____, ...expected } = asked;
      expect(plain(rest)).toEqual(plain(expected));
      const askedProposal = proposal({ polRound: 4, round: 7 });
      const { signature: _____, ...proposed } = await signed({ ...askedProposal, height: 2n });
      expect(plain(proposed)).toEqual(
        plain({ ...askedProposal, height: 2n, signature: undefined }),
      );
    });

    test('skips heights and rounds forward, to the largest ones', async () => {
      await signed(prevote({ height: 10n, round: 3 }));
      await signed(prevote({ height: 10n, round: 2_147_483_647 }));
      await signed(proposal({ height: 9_000_000n }));
    });

    test('signs at a height that no JavaScript number holds', async () => {
      const { height } = await signed(precommit({ height: 9_223_372_036_854_775_807n }));
      expect(height).toBe(9_223_372_036_854_775_807n);
    });

    test('keeps nanoseconds, times before 1970 and the zero time', async () => {
      const zero = { seconds: -62_135_596_800n, nanos: 0 };
      for (const [height, timestamp] of [
        [1n, instant(123_456_789)],
        [2n, { seconds: -1n, nanos: 999_999_999 }],
        [3n, zero],
        [4n, { seconds: 0n, nanos: 0 }],
      ] as const) {
        expect((await signed(prevote({ height, timestamp }))).timestamp).toEqual(timestamp);
      }
    });

    test.each<[string, Message]>([
      ['proposal', proposal()],
      ['prevote', prevote()],
      ['nil prevote', nil(prevote())],
      ['precommit', precommit({ extension: extension('x') })],
      ['nil precommit', nil(precommit())],
    ])('gives an identical %s its one signature again (S6)', async (_, message) => {
      const first = await signed(message);
      expect(plain(await signed(message))).toEqual(plain(first));
      expect(plain(await signed(message))).toEqual(plain(first));
    });

    test.each<[string, (nanos: number) => Message]>([
      ['proposal', (nanos) => proposal({ timestamp: instant(nanos) })],
      ['prevote', (nanos) => prevote({ timestamp: instant(nanos) })],
      ['nil precommit', (nanos) => nil(precommit({ timestamp: instant(nanos) }))],
    ])(
      'answers a %s that differs in time alone with the stored signature and time (S6)',
      async (_, at) => {
        const first = await signed(at(1));
        expect(plain(await signed(at(2)))).toEqual(plain(first));
        expect(plain(await signed(at(0)))).toEqual(plain(first));
      },
    );

    test.each<[string, Message, Message]>([
      ['a prevote for another block', prevote(), prevote({ blockId: blockNamed('B') })],
      ['a prevote for nil after one for a block', prevote(), nil(prevote())],
      ['a prevote for a block after one for nil', nil(prevote()), prevote()],
      ['a precommit for another block', precommit(), precommit({ blockId: blockNamed('B') })],
      ['a precommit for nil after one for a block', precommit(), nil(precommit())],
      ['a precommit for a block after one for nil', nil(precommit()), precommit()],
      [
        'a precommit for other parts of the block',
        precommit(),
        precommit({
          blockId: { ...blockNamed('A'), partSetHeader: blockNamed('B').partSetHeader },
        }),
      ],
      ['a proposal of another block', proposal(), proposal({ blockId: blockNamed('B') })],
      [
        'a proposal with another POL round',
        proposal({ round: 2 }),
        proposal({ round: 2, polRound: 1 }),
      ],
      [
        'a proposal of another block at another time',
        proposal(),
        proposal({ blockId: blockNamed('B'), timestamp: instant(2) }),
      ],
    ])(
      'refuses %s at the same position, and signs the first one again',
      async (_, first, second) => {
        const answer = await signed(first);
        await refused(second, 'conflicting-sign-bytes');
        expect(plain(await signed(first))).toEqual(plain(answer));
      },
    );

    test.each<[string, Message, Message, string]>([
      [
        'a lower height',
        prevote({ height: 5n }),
        precommit({ height: 4n, round: 9 }),
        'height-regression',
      ],
      ['a lower round', prevote({ round: 2 }), precommit({ round: 1 }), 'round-regression'],
      ['a proposal after a prevote', prevote(), proposal(), 'step-regression'],
      ['a proposal after a precommit', precommit(), proposal(), 'step-regression'],
      ['a prevote after a precommit', precommit(), prevote(), 'step-regression'],
      [
        'the very message of an earlier height',
        precommit({ height: 5n }),
        prevote(),
        'height-regression',
      ],
    ])('refuses %s, and goes on above', async (_, first, second, reason) => {
      const answer = await signed(first);
      await refused(second, reason);
      expect(plain(await signed(first))).toEqual(plain(answer));
      await signed(prevote({ height: first.height + 1n }));
    });

    test('lets a precommit name another block than the prevote of its round did', async () => {
      await signed(prevote({ blockId: blockNamed('A') }));
      await signed(precommit({ blockId: blockNamed('B') }));
    });

    test('signs nothing and tells no key for another chain, and reserves nothing (S24)', async () => {
      const other = parseChainId('another-chain');
      const { privValidator, chainId } = subject;
      const conflicting = prevote({ blockId: blockNamed('B') });
      expect((await privValidator.signVote(other, conflicting)).kind).toBe('refused');
      expect((await privValidator.signProposal(other, proposal())).kind).toBe('refused');
      await expect(privValidator.publicKey(other)).rejects.toBeInstanceOf(CodedError);
      expect(key.taken).toEqual([]);
      await signed(prevote());
      await expect(privValidator.publicKey(chainId)).resolves.toBeDefined();
    });

    describe('with vote extensions (S21)', () => {
      test.each([0, 1, 300, 9_000])(
        'signs an extension of %i bytes beside the precommit',
        async (length) => {
          const answer = await signed(precommit({ extension: new Uint8Array(length).fill(1) }));
          expect(answer.extensionSignature).toHaveLength(64);
        },
      );

      test('gives no extension signature to prevotes and to precommits for nil', async () => {
        for (const vote of [prevote(), nil(prevote({ round: 1 })), nil(precommit({ round: 1 }))]) {
          expect((await signed(vote)).extensionSignature).toHaveLength(0);
        }
      });

      test.each<[string, Vote]>([
        ['prevote', prevote()],
        ['nil prevote', nil(prevote())],
        ['nil precommit', nil(precommit())],
      ])('refuses a %s that carries an extension, and reserves nothing', async (_, vote) => {
        await refused({ ...vote, extension: extension('x') }, 'unexpected-extension');
        await signed({ ...vote, blockId: blockNamed('B') });
      });

      test('says what is wrong in words an operator can search for', async () => {
        const { privValidator, chainId } = subject;
        const vote = nil(precommit({ extension: extension('x') }));
        expect(await privValidator.signVote(chainId, vote)).toMatchObject({
          text: expect.stringContaining(
            'unexpected vote extension - extensions are only allowed in non-nil precommits',
          ),
        });
      });

      test('signs the vote alone when it is told to skip extensions', async () => {
        for (const vote of [
          precommit({ extension: extension('x') }),
          precommit({ height: 2n }),
          prevote({ height: 3n, extension: extension('x') }),
          nil(precommit({ height: 4n, extension: extension('x') })),
        ]) {
          const taken = key.taken.length;
          expect((await signed(vote, true)).extensionSignature).toHaveLength(0);
          expect(key.taken).toHaveLength(taken + 1);
        }
      });

      test('repeats the vote and signs the extension anew over what is asked now', async () => {
        const first = await signed(precommit({ extension: extension('one') }));
        const second = await signed(
          precommit({ extension: extension('two'), timestamp: instant(9) }),
        );
        expect(second.signature.toHex()).toBe(first.signature.toHex());
        expect(second.timestamp).toEqual(first.timestamp);
        expect(second.extensionSignature.toHex()).not.toBe(first.extensionSignature.toHex());
        expect(new TextDecoder().decode(second.extension)).toBe('two');
        const skipped = await signed(precommit({ extension: extension('three') }), true);
        expect(skipped.signature.toHex()).toBe(first.signature.toHex());
      });

      test('signs no extension for a precommit that it refuses', async () => {
        await signed(precommit());
        const taken = key.taken.length;
        const extended = { extension: extension('x') };
        await refused(
          precommit({ blockId: blockNamed('B'), ...extended }),
          'conflicting-sign-bytes',
        );
        await refused(precommit({ height: 0n, ...extended }), 'height-regression');
        expect(key.taken).toHaveLength(taken);
      });

      test('never lets signatures of the request survive (spec/privval.md 8.1, 14)', async () => {
        const filled = {
          signature: new Uint8Array(64).fill(1),
          extensionSignature: new Uint8Array(64).fill(2),
        };
        const clean = await signed(precommit());
        expect(plain(await signed(precommit(filled)))).toEqual(plain(clean));
        expect((await signed(precommit(filled), true)).extensionSignature).toHaveLength(0);
        expect((await signed(prevote({ height: 2n, ...filled }))).extensionSignature).toHaveLength(
          0,
        );
        expect(
          (await signed(nil(precommit({ height: 3n, ...filled })))).extensionSignature,
        ).toHaveLength(0);
        await signed(proposal({ height: 4n, signature: filled.signature }));
      });

      test('answers with both signatures or with none: no vote when the extension fails', async () => {
        key.hold();
        const outcome = isSigned(precommit({ extension: extension('x') }));
        await key.untilTaken(1);
        // Lets the vote through and holds the extension.
        key.release();
        key.hold();
        await key.untilTaken(2);
        key.health = 'failing';
        key.release();
        expect(await outcome).toBe(false);
        expect(await isSigned(precommit({ extension: extension('y') }))).toBe(false);
        key.health = 'wrong-signature';
        expect(await isSigned(precommit({ extension: extension('z') }))).toBe(false);
        key.health = 'healthy';
        await signed(precommit({ extension: extension('z') }));
      });
    });

    describe('with a key that is slow or fails', () => {
      test('rejects with the reason itself when aborted before, and asks no key (S25)', async () => {
        const reason = { told: 'to stop' };
        const options = { signal: AbortSignal.abort(reason) };
        const { privValidator, chainId } = subject;
        await expect(privValidator.signVote(chainId, prevote(), options)).rejects.toBe(reason);
        await expect(privValidator.signProposal(chainId, proposal(), options)).rejects.toBe(reason);
        await expect(privValidator.publicKey(chainId, options)).rejects.toBe(reason);
        expect(key.taken).toEqual([]);
        await signed(proposal());
      });

      test('stops waiting at an abort; the position stays reserved for that message (S7, S25)', async () => {
        const { privValidator, chainId } = subject;
        key.hold();
        const abort = new AbortController();
        const waiting = privValidator.signVote(chainId, prevote(), { signal: abort.signal });
        waiting.catch(() => undefined);
        await key.untilTaken(1);
        const reason = { told: 'to stop' };
        abort.abort(reason);
        await expect(waiting).rejects.toBe(reason);
        key.release();
        await refused(prevote({ blockId: blockNamed('B') }), 'conflicting-sign-bytes');
        const answer = await signed(prevote({ timestamp: instant(2) }));
        expect(answer.timestamp).toEqual(instant(1));
      });

      test('stops waiting for the extension too; vote and extension are there at the next asking', async () => {
        const { privValidator, chainId } = subject;
        const first = await signed(precommit(), true);
        key.hold();
        const abort = new AbortController();
        const vote = precommit({ extension: extension('x') });
        const waiting = privValidator.signVote(chainId, vote, { signal: abort.signal });
        waiting.catch(() => undefined);
        await key.untilTaken(2);
        const reason = { told: 'to stop' };
        abort.abort(reason);
        await expect(waiting).rejects.toBe(reason);
        key.release();
        expect((await signed(vote)).signature.toHex()).toBe(first.signature.toHex());
      });

      test.each([
        ['fails', 'failing'],
        ['is gone', 'gone'],
        ['gives a signature that does not verify (S20)', 'wrong-signature'],
      ] as const)(
        'signs nothing when the key %s, and the same message when it is back',
        async (_, health) => {
          key.health = health;
          expect(await isSigned(prevote())).toBe(false);
          key.health = 'healthy';
          await refused(prevote({ blockId: blockNamed('B') }), 'conflicting-sign-bytes');
          const answer = await signed(prevote({ timestamp: instant(2) }));
          expect(answer.timestamp).toEqual(instant(1));
        },
      );

      test('signs exactly one of two conflicting messages asked at once', async () => {
        for (let height = 1n; height <= 20n; height++) {
          const messages = ['A', 'B'].map((letter) =>
            prevote({ height, blockId: blockNamed(letter) }),
          );
          const results = await Promise.all(messages.map((message) => ask(message)(subject)));
          expect(results.map(({ kind }) => kind).sort()).toEqual(['refused', 'signed']);
        }
        // And the key never saw the other one.
        expect(key.taken).toHaveLength(20);
      });

      test('gives one signature to two askings that differ in time, whoever comes first (S10)', async () => {
        const messages = [1, 2, 3].map((nanos) => precommit({ timestamp: instant(nanos) }));
        const answers = await Promise.all(messages.map((message) => signed(message, true)));
        expect(new Set(answers.map(({ signature }) => signature.toHex())).size).toBe(1);
        expect(new Set(answers.map(({ timestamp }) => timestamp.nanos)).size).toBe(1);
        expect(key.taken).toHaveLength(1);
      });
    });
  });
}

/** Fails unless the message's signatures are the key's over the message as it stands. */
function expectSignature({ publicKey, chainId }: PrivValidatorUnderTest, message: Message): void {
  const isVote = 'type' in message;
  const bytes = isVote
    ? plainVoteSignBytes(chainId, message)
    : plainProposalSignBytes(chainId, message);
  expect(opensslVerifies(publicKey.bytes, bytes, message.signature)).toBe(true);
  if (!isVote || message.extensionSignature.length === 0) return;
  const extended = plainExtensionSignBytes(chainId, message);
  expect(opensslVerifies(publicKey.bytes, extended, message.extensionSignature)).toBe(true);
}

/** Byte strings as hex: what two implementations return may be `Buffer` here and `Uint8Array` there. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return value.toHex();
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(members.map(([name, member]) => [name, plain(member)]));
}
