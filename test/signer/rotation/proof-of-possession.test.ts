import { checkMessage } from '@privval/hsm/check-message';
import {
  parseSignBytes,
  proposalSignBytes,
  voteExtensionSignBytes,
  voteSignBytes,
} from '@privval/proto/codec/sign-bytes';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { decodeRequest } from '@privval/proto/privval/request-codec';
import {
  POSSESSION_DOMAIN,
  type PossessionClaim,
  parsePossession,
  possessionMessage,
  verifyPossession,
} from '@privval/signer/rotation/proof-of-possession';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nil, precommit, prevote, proposal } from '../../harness/consensus-messages.ts';

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
const claims: fc.Arbitrary<PossessionClaim> = fc.record({
  chainId: fc.string({ unit: 'grapheme', maxLength: 60 }),
  operator: fc.string({ unit: 'grapheme', maxLength: 80 }),
  oldKey: bytes32,
  newKey: bytes32,
  nonce: bytes32,
  expiresAt: fc.nat().map(String),
});

test('S47: a claim is read back as it was written, and two claims have two messages', () => {
  fc.assert(
    fc.property(claims, claims, (a, b) => {
      expect(parsePossession(possessionMessage(a))).toEqual(a);
      const isSame = JSON.stringify(a) === JSON.stringify(b);
      expect(Buffer.compare(possessionMessage(a), possessionMessage(b)) === 0).toBe(isSame);
    }),
  );
});

test('S47: a proof never parses as a vote, proposal or extension in any dialect', () => {
  fc.assert(
    fc.property(claims, (claim) => {
      const message = possessionMessage(claim);
      expect(() => parseSignBytes(message)).toThrow();
      // What a node verifies is length-delimited: this is an empty message with something after it.
      expect(message[0]).toBe(0);
      // Without a length it begins with field 0, which protobuf has not.
      expect(() => decodeRequest(message)).toThrow();
    }),
  );
});

test('S47: no vote, proposal or extension begins as a proof does', () => {
  const chainIds = fc.string({ minLength: 1, maxLength: 50 });
  const at = fc.record({
    height: fc.bigInt({ min: 1n, max: 2n ** 63n - 1n }),
    round: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
    extension: fc.uint8Array({ maxLength: 300 }),
  });
  fc.assert(
    fc.property(chainIds, at, (chainId, { extension, ...position }) => {
      for (const vote of [prevote(position), precommit(position), nil(prevote(position))]) {
        expect(voteSignBytes(chainId, vote)[0]).not.toBe(0);
      }
      expect(proposalSignBytes(chainId, proposal(position))[0]).not.toBe(0);
      expect(voteExtensionSignBytes(chainId, { ...position, extension })[0]).not.toBe(0);
    }),
  );
});

test('S27, S47: a check message is no proof, and a proof no check message', () => {
  expect(() => parsePossession(checkMessage())).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_POSSESSION' }),
  );
  const domain = new TextDecoder().decode(checkMessage().slice(1, 1 + POSSESSION_DOMAIN.length));
  expect(domain).not.toBe(POSSESSION_DOMAIN);
});

const CLAIM: PossessionClaim = {
  chainId: 'chain-1',
  operator: 'cosmosvaloper1abc',
  oldKey: new Uint8Array(32).fill(1),
  newKey: new Uint8Array(32).fill(2),
  nonce: new Uint8Array(32).fill(3),
  expiresAt: '1800000000',
};

test.each([
  { cut: (message: Uint8Array) => message.slice(0, -1), because: 'its end is cut off' },
  { cut: (message: Uint8Array) => message.slice(0, 33), because: 'it ends within a length' },
  { cut: (message: Uint8Array) => message.slice(1), because: 'the first byte is missing' },
  {
    cut: (message: Uint8Array) => new Uint8Array([...message, 0, 0, 0, 0]),
    because: 'a field is too many',
  },
])('S47: a message is no claim when $because', ({ cut }) => {
  expect(() => parsePossession(cut(possessionMessage(CLAIM)))).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_POSSESSION' }),
  );
});

test('S47: only the key that a claim names proves it', async () => {
  using secret = Ed25519SecretKey.generate();
  using other = Ed25519SecretKey.generate();
  const claim = { ...CLAIM, newKey: secret.publicKey.bytes };
  const message = possessionMessage(claim);
  expect(verifyPossession({ message, signature: secret.sign(message) })).toEqual(claim);
  for (const signature of [other.sign(message), new Uint8Array(64), new Uint8Array(1)]) {
    expect(() => verifyPossession({ message, signature })).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_POSSESSION' }),
    );
  }
});
