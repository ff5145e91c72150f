import { RemoteSignatureInvalidError } from '@privval/node-client/privval/signed-reply';
import {
  proposalSignBytes,
  voteExtensionSignBytes,
  voteSignBytes,
} from '@privval/proto/codec/sign-bytes';
import { verifyStrict } from '@privval/proto/crypto/ed25519';
import { NIL_BLOCK_ID } from '@privval/proto/types/block-id';
import { describe, expect, test } from 'vitest';
import {
  OTHER_TIMESTAMP,
  ScriptedSigner,
  type SignerMove,
  SLOW_MS,
} from '../../harness/scripted-signer.ts';
import { CHAIN, newProposal, newVote, RemoteSignerRig } from './remote-signer-rig.ts';

describe('what is taken over from an answer', () => {
  test('the vote comes back signed, with its extension signed too', async () => {
    await using rig = new RemoteSignerRig();
    rig.connect('answer');
    const result = await rig.remote.signVote(CHAIN, newVote());
    if (result.kind !== 'signed') throw new Error(result.text);
    const vote = result.message;
    const { publicKey } = rig.key;
    expect(verifyStrict(publicKey, voteSignBytes(CHAIN, newVote()), vote.signature)).toBe(true);
    const extensionBytes = voteExtensionSignBytes(CHAIN, newVote());
    expect(verifyStrict(publicKey, extensionBytes, vote.extensionSignature)).toBe(true);
    expect({ ...vote, signature: 0, extensionSignature: 0 }).toEqual({
      ...newVote(),
      signature: 0,
      extensionSignature: 0,
    });
  });

  test('the fields a signer may not change stay ours, whatever it echoes', async () => {
    await using rig = new RemoteSignerRig();
    rig.connectKeyed('echo-other');
    const result = await rig.remote.signVote(CHAIN, newVote());
    expect(result).toMatchObject({
      kind: 'signed',
      message: { height: 10n, round: 1, validatorIndex: 3, extension: Uint8Array.of(1, 2, 3) },
    });
    const proposal = await rig.remote.signProposal(CHAIN, newProposal());
    expect(proposal).toMatchObject({ kind: 'signed', message: { height: 10n } });
  });

  test('the timestamp that was signed is taken over, for votes and for proposals', async () => {
    await using rig = new RemoteSignerRig();
    rig.connectKeyed('other-timestamp');
    const vote = await rig.remote.signVote(CHAIN, newVote());
    expect(vote).toMatchObject({ kind: 'signed', message: { timestamp: OTHER_TIMESTAMP } });
    const result = await rig.remote.signProposal(CHAIN, newProposal());
    if (result.kind !== 'signed') throw new Error(result.text);
    expect(result.message.timestamp).toEqual(OTHER_TIMESTAMP);
    const bytes = proposalSignBytes(CHAIN, { ...newProposal(), timestamp: OTHER_TIMESTAMP });
    expect(verifyStrict(rig.key.publicKey, bytes, result.message.signature)).toBe(true);
  });

  test.each<readonly [string, SignerMove]>([
    ['one bit off', 'bad-signature'],
    ['63 bytes long', 'short-signature'],
    ['over another height', 'sign-other'],
    ['right, with a wrong one for the extension', 'bad-extension-signature'],
    ['right, with none for the extension (S21)', 'no-extension-signature'],
  ])(
    'a signature that is %s is a fault, is not retried and ends the connection',
    async (_, move) => {
      await using rig = new RemoteSignerRig();
      const signer = rig.connectKeyed(move);
      await expect(rig.remote.signVote(CHAIN, newVote())).rejects.toThrow(
        RemoteSignatureInvalidError,
      );
      await signer.closed;
      expect(signer.seen).toEqual(['public-key', 'sign-vote']);
    },
  );

  test('a signer without extension signatures will do where the extension is not signed', async () => {
    await using rig = new RemoteSignerRig();
    rig.connectKeyed('no-extension-signature', 'bad-extension-signature');
    const skip = { skipExtensionSigning: true };
    for (let i = 0; i < 2; i++) {
      const result = await rig.remote.signVote(CHAIN, newVote(), skip);
      expect(result).toMatchObject({
        kind: 'signed',
        message: { extensionSignature: new Uint8Array(0) },
      });
    }
  });

  test.each([
    ['a prevote', newVote({ type: 'prevote', extension: new Uint8Array(0) })],
    ['a nil precommit', newVote({ blockId: NIL_BLOCK_ID, extension: new Uint8Array(0) })],
  ])('%s carries no extension signature', async (_, vote) => {
    await using rig = new RemoteSignerRig();
    rig.connect('answer');
    const result = await rig.remote.signVote(CHAIN, vote);
    expect(result).toMatchObject({
      kind: 'signed',
      message: { extensionSignature: new Uint8Array(0) },
    });
  });

  test('a signature by another key than the one answered last is a fault', async () => {
    await using rig = new RemoteSignerRig();
    await using other = new RemoteSignerRig();
    rig.connect('answer');
    await rig.remote.publicKey(CHAIN);
    await rig.listener.current?.[Symbol.asyncDispose]();
    const stranger = ScriptedSigner.start({
      stream: rig.streams.dial(),
      key: other.key,
      clock: rig.clock,
    });
    await expect(rig.remote.signVote(CHAIN, newVote())).rejects.toMatchObject({
      code: 'ERR_REMOTE_SIGNATURE_INVALID',
    });
    await stranger[Symbol.asyncDispose]();
  });
});

describe('refusals', () => {
  test('S23 an error in the answer is a refusal, not retried, and the connection stays', async () => {
    await using rig = new RemoteSignerRig();
    const signer = rig.connectKeyed('refuse', 'refuse', 'answer');
    const refused = { kind: 'refused', reason: 'remote', code: 'ERR_REMOTE_SIGNER_REFUSED' };
    const vote = await rig.remote.signVote(CHAIN, newVote());
    expect(vote).toMatchObject(refused);
    expect(vote).toHaveProperty('text', expect.stringContaining('double signing requested'));
    expect(await rig.remote.signProposal(CHAIN, newProposal())).toMatchObject(refused);
    expect(await rig.remote.signVote(CHAIN, newVote())).toMatchObject({ kind: 'signed' });
    expect(signer.seen).toEqual(['public-key', 'sign-vote', 'sign-proposal', 'sign-vote']);
  });

  test('a refused public key is a fault for who asked for it and a refusal for who wants a signature', async () => {
    await using rig = new RemoteSignerRig();
    const signer = rig.connect('refuse');
    await expect(rig.remote.publicKey(CHAIN)).rejects.toMatchObject({
      code: 'ERR_REMOTE_SIGNER_REFUSED',
      remoteCode: 2,
    });
    expect(await rig.remote.signVote(CHAIN, newVote())).toMatchObject({ kind: 'refused' });
    expect(signer.seen).toEqual(['public-key', 'public-key']);
  });
});

describe('retries', () => {
  test.each<SignerMove>(['close', 'truncated', 'garbage', 'oversize', 'empty', 'wrong-type'])(
    'after "%s" the call is made again on the next connection',
    async (move) => {
      await using rig = new RemoteSignerRig();
      const first = rig.connectKeyed(move);
      const asked = rig.remote.signVote(CHAIN, newVote());
      await first.closed;
      await rig.settle();
      rig.connect('answer');
      await rig.clock.advance(100);
      expect(await asked).toMatchObject({ kind: 'signed' });
    },
  );

  test('without a signer each of 50 attempts waits 3 s, with 100 ms in between', async () => {
    await using rig = new RemoteSignerRig();
    const asked = rig.remote.publicKey(CHAIN);
    const outcome = expect(asked).rejects.toMatchObject({
      code: 'ERR_REMOTE_SIGNER_UNREACHABLE',
      attempts: 50,
      cause: { code: 'ERR_NO_SIGNER_CONNECTION' },
    });
    await rig.settle();
    await rig.clock.advance(50 * 3_000 + 49 * 100 - 1);
    let settled = false;
    void asked.catch(() => {
      settled = true;
    });
    await rig.settle();
    expect(settled).toBe(false);
    await rig.clock.advance(1);
    await outcome;
  });

  test('the first public key of a node can be asked for once only', async () => {
    await using rig = new RemoteSignerRig();
    const outcome = expect(rig.remote.publicKey(CHAIN, { attempts: 1 })).rejects.toMatchObject({
      code: 'ERR_NO_SIGNER_CONNECTION',
    });
    await rig.settle();
    await rig.clock.advance(3_000);
    await outcome;
  });

  test('a signer that does not answer within 5 s is dropped, and the next one asked', async () => {
    await using rig = new RemoteSignerRig();
    const silent = rig.connectKeyed('silent');
    const asked = rig.remote.signVote(CHAIN, newVote());
    await rig.settle();
    expect(silent.seen).toEqual(['public-key', 'sign-vote']);
    await rig.clock.advance(4_999);
    expect(rig.listener.current).toBeDefined();
    await rig.clock.advance(1);
    await silent.closed;
    rig.connect('answer');
    await rig.clock.advance(100);
    expect(await asked).toMatchObject({ kind: 'signed' });
  });
});

describe('pings', () => {
  test('an idle signer is pinged each 3.333 s', async () => {
    await using rig = new RemoteSignerRig();
    const signer = rig.connect('answer');
    await rig.settle();
    await rig.clock.advance(3_332);
    expect(signer.seen).toEqual([]);
    await rig.clock.advance(1);
    await rig.settle();
    expect(signer.seen).toEqual(['ping']);
    await rig.clock.advance(3_333);
    await rig.settle();
    expect(signer.seen).toEqual(['ping', 'ping']);
  });

  test('a request that was answered puts the ping off', async () => {
    await using rig = new RemoteSignerRig();
    const signer = rig.connect('answer');
    await rig.clock.advance(3_000);
    await rig.remote.publicKey(CHAIN);
    await rig.clock.advance(3_332);
    await rig.settle();
    expect(signer.seen).toEqual(['public-key']);
    await rig.clock.advance(1);
    await rig.settle();
    expect(signer.seen).toEqual(['public-key', 'ping']);
  });

  test('an answer of any type will do for a ping', async () => {
    await using rig = new RemoteSignerRig();
    const signer = rig.connect('empty');
    await rig.settle();
    await rig.clock.advance(3_333);
    await rig.settle();
    expect(signer.seen).toEqual(['ping']);
    expect(rig.listener.current).toBeDefined();
  });

  test('a signer that leaves a ping unanswered for 5 s is dropped', async () => {
    await using rig = new RemoteSignerRig();
    const signer = rig.connect('silent');
    await rig.settle();
    await rig.clock.advance(3_333 + 5_000);
    await signer.closed;
    expect(rig.listener.current).toBeUndefined();
  });
});

test('a ping falls out while a request is in flight, and no crowd at the door hurts it', async () => {
  await using rig = new RemoteSignerRig({ maxWaiting: 0, retry: { attempts: 1, delayMs: 0 } });
  const signer = rig.connect('answer', 'silent');
  await rig.remote.publicKey(CHAIN);
  await rig.clock.advance(3_000);
  const outcome = expect(rig.remote.signVote(CHAIN, newVote())).rejects.toMatchObject({
    code: 'ERR_SIGNER_TIMEOUT',
  });
  await rig.settle();
  await rig.clock.advance(5_000);
  await outcome;
  expect(signer.seen).toEqual(['public-key', 'sign-vote']);
});

describe('one at a time', () => {
  test('requests are answered in the order they were made in', async () => {
    await using rig = new RemoteSignerRig();
    const signer = rig.connect('answer', 'slow', 'slow', 'answer');
    await rig.remote.publicKey(CHAIN);
    const order: string[] = [];
    const asked = [
      rig.remote.signProposal(CHAIN, newProposal()).then(() => order.push('proposal')),
      rig.remote.signVote(CHAIN, newVote()).then(() => order.push('vote')),
      rig.remote.publicKey(CHAIN).then(() => order.push('key')),
    ];
    await rig.settle();
    expect(signer.seen).toEqual(['public-key', 'sign-proposal']);
    await rig.clock.advance(SLOW_MS);
    await rig.settle();
    await rig.clock.advance(SLOW_MS);
    await Promise.all(asked);
    expect(order).toEqual(['proposal', 'vote', 'key']);
  });

  test('a crowd beyond the limit is turned away at once, and those who wait keep their place', async () => {
    await using rig = new RemoteSignerRig({ maxWaiting: 1 });
    rig.connect('answer', 'slow', 'answer');
    await rig.remote.publicKey(CHAIN);
    const first = rig.remote.signVote(CHAIN, newVote());
    const second = rig.remote.signVote(CHAIN, newVote());
    await expect(rig.remote.signVote(CHAIN, newVote())).rejects.toMatchObject({
      code: 'ERR_REMOTE_SIGNER_BUSY',
    });
    await rig.settle();
    await rig.clock.advance(SLOW_MS);
    expect(await first).toMatchObject({ kind: 'signed' });
    expect(await second).toMatchObject({ kind: 'signed' });
  });
});

describe('S25 an abort ends the wait', () => {
  const reason = new Error('the round is over');

  test('for a connection', async () => {
    await using rig = new RemoteSignerRig();
    const controller = new AbortController();
    const asked = rig.remote.publicKey(CHAIN, { signal: controller.signal });
    await rig.settle();
    controller.abort(reason);
    await expect(asked).rejects.toBe(reason);
  });

  test('between two attempts', async () => {
    await using rig = new RemoteSignerRig();
    const signer = rig.connectKeyed('close');
    const controller = new AbortController();
    const asked = rig.remote.signVote(CHAIN, newVote(), { signal: controller.signal });
    await signer.closed;
    await rig.settle();
    expect(rig.clock.nextInMs).toBe(100);
    controller.abort(reason);
    await expect(asked).rejects.toBe(reason);
  });

  test('for a turn, and the next in line moves up', async () => {
    await using rig = new RemoteSignerRig();
    const signer = rig.connect('answer', 'slow', 'answer');
    await rig.remote.publicKey(CHAIN);
    const first = rig.remote.signVote(CHAIN, newVote());
    const controller = new AbortController();
    const second = rig.remote.signProposal(CHAIN, newProposal(), { signal: controller.signal });
    const third = rig.remote.publicKey(CHAIN);
    await rig.settle();
    controller.abort(reason);
    await expect(second).rejects.toBe(reason);
    await rig.clock.advance(SLOW_MS);
    await Promise.all([first, third]);
    expect(signer.seen).toEqual(['public-key', 'sign-vote', 'public-key']);
  });

  test('for an answer; the late answer is put away and the stream stays in step', async () => {
    await using rig = new RemoteSignerRig();
    const signer = rig.connect('answer', 'slow', 'answer');
    await rig.remote.publicKey(CHAIN);
    const controller = new AbortController();
    const asked = rig.remote.signVote(CHAIN, newVote(), { signal: controller.signal });
    await rig.settle();
    controller.abort(reason);
    await expect(asked).rejects.toBe(reason);
    const next = rig.remote.signVote(CHAIN, newVote({ height: 11n }));
    await rig.settle();
    expect(signer.seen).toEqual(['public-key', 'sign-vote']);
    await rig.clock.advance(SLOW_MS);
    expect(await next).toMatchObject({ kind: 'signed', message: { height: 11n } });
    expect(rig.listener.current).toBeDefined();
  });

  test('before it began: nothing is sent', async () => {
    await using rig = new RemoteSignerRig();
    const signer = rig.connect('answer');
    await rig.settle();
    await expect(rig.remote.publicKey(CHAIN, { signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    );
    await rig.settle();
    expect(signer.seen).toEqual([]);
  });

  test('and leaves no timer behind', async () => {
    const rig = new RemoteSignerRig();
    const asked = rig.remote.publicKey(CHAIN);
    const outcome = expect(asked).rejects.toMatchObject({ code: 'ERR_REMOTE_SIGNER_CLOSED' });
    await rig.settle();
    await rig[Symbol.asyncDispose]();
    await outcome;
    expect(rig.clock.pending).toBe(0);
  });
});
