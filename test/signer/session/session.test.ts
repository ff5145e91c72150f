import { encodeFrame } from '@privval/proto/codec/delimited';
import { voteExtensionSignBytes, voteSignBytes } from '@privval/proto/codec/sign-bytes';
import { verifyStrict } from '@privval/proto/crypto/ed25519';
import type { PrivvalResponse } from '@privval/proto/privval/messages';
import { encodeRequest } from '@privval/proto/privval/request-codec';
import { bytesFromHex, concatBytes, hexFromBytes } from '@privval/proto/runtime/bytes';
import type { Logger } from '@privval/proto/runtime/logger';
import { Session, type SessionOptions } from '@privval/signer/session/session';
import { describe, expect, it } from 'vitest';
import type { FakeKeyOptions } from '../../harness/fake-key.ts';
import { GuardedValidator } from '../../harness/guarded-validator.ts';
import { ManualClock } from '../../harness/manual-clock.ts';
import {
  type MemoryStream,
  type MemoryStreamOptions,
  memoryStreamPair,
} from '../../harness/memory-stream.ts';
import { RecordingLogger } from '../../harness/recording-logger.ts';
import { ScriptedConnection, scriptedProposal, scriptedVote } from '../../harness/scripted-node.ts';
import { SeededRandom } from '../../harness/seeded-random.ts';

const PING = bytesFromHex('023a00');
const PONG = '4200';

/** A validator, and any number of nodes connected to it by memory pipes. */
class Bench implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly logger = new RecordingLogger();
  readonly validator: GuardedValidator;

  constructor(options: FakeKeyOptions = {}) {
    this.validator = new GuardedValidator({ clock: this.clock, logger: this.logger }, options);
  }

  connect(
    options: MemoryStreamOptions & Partial<SessionOptions> & { readonly logger?: Logger } = {},
  ): {
    node: ScriptedConnection;
    nodeEnd: MemoryStream;
    signerEnd: MemoryStream;
    session: Session;
  } {
    const { fragmentBytes, capacityBytes, ...limits } = options;
    const [signerEnd, nodeEnd] = memoryStreamPair({ fragmentBytes, capacityBytes });
    const { privValidator, chainId } = this.validator;
    const session = Session.start(
      { stream: signerEnd, privValidator, clock: this.clock, logger: this.logger },
      { chainId, ...limits },
    );
    return { node: new ScriptedConnection(nodeEnd, chainId), nodeEnd, signerEnd, session };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.validator[Symbol.asyncDispose]();
  }
}

function signedVote(response: PrivvalResponse) {
  if (response.kind !== 'signed-vote' || 'error' in response) {
    throw new Error(`not a signed vote: ${JSON.stringify(response.kind)}`);
  }
  return response.vote;
}

describe('a session', () => {
  it('answers everything a node asks at a height, in the order asked', async () => {
    await using bench = new Bench();
    const { node, session } = bench.connect();
    await using _ = session;
    const [key, proposal, prevote, precommit] = await node.askHeight(1n);
    expect(key).toMatchObject({ publicKey: bench.validator.key.publicKey });
    expect(proposal).toMatchObject({ kind: 'signed-proposal', proposal: { height: 1n } });
    for (const response of [prevote, precommit]) {
      const vote = signedVote(response as PrivvalResponse);
      const bytes = voteSignBytes(bench.validator.chainId, vote);
      expect(verifyStrict(bench.validator.key.publicKey, bytes, vote.signature)).toBe(true);
    }
    expect(await node.ping()).toEqual({ kind: 'ping' });
    expect(session.requests).toBe(5);
  });

  it('S34: tells when the answer in the making is on its way, and waits for no other', async () => {
    await using bench = new Bench();
    const { key } = bench.validator;
    const { node, session } = bench.connect();
    await using _ = session;
    await session.answered();
    key.hold();
    const asked = node.signVote(scriptedVote({ height: 1n, type: 'prevote' }));
    await key.untilTaken(1);
    let isAnswered = false;
    const answered = session.answered().then(() => {
      isAnswered = true;
    });
    await bench.clock.advance(100);
    expect(isAnswered).toBe(false);
    key.release();
    await answered;
    signedVote(await asked);
  });

  it('reads requests however they were cut on their way (16, 21)', async () => {
    await using bench = new Bench();
    const { node, session } = bench.connect({ fragmentBytes: 1 });
    await using _ = session;
    const extension = new Uint8Array(300).fill(9);
    const vote = signedVote(
      await node.signVote(scriptedVote({ height: 1n, type: 'precommit', extension })),
    );
    expect(vote.extensionSignature).toHaveLength(64);
  });

  it('answers several requests of one chunk one after the other (17)', async () => {
    await using bench = new Bench();
    const { node, session } = bench.connect();
    await using _ = session;
    await node.sendBytes(concatBytes(PING, PING, PING));
    for (let i = 0; i < 3; i++) {
      expect(hexFromBytes((await node.receiveBody()) ?? PING)).toBe(PONG);
    }
  });

  it('writes each answer at once, as one piece', async () => {
    await using bench = new Bench();
    const { node, session, signerEnd } = bench.connect();
    await using _ = session;
    await node.askHeight(1n);
    expect(signerEnd.writeSizes).toHaveLength(4);
  });

  it('S23: answers an empty or unknown message, or a response, with an empty message (19, 43)', async () => {
    await using bench = new Bench();
    const { node, session } = bench.connect();
    await using _ = session;
    for (const frame of ['00', '024200', '0452021a00', '03a20600']) {
      await node.sendBytes(bytesFromHex(frame));
      expect(await node.receiveBody()).toEqual(new Uint8Array(0));
    }
    expect(await node.ping()).toEqual({ kind: 'ping' });
  });

  it('S23, S37: never signs raw bytes (44)', async () => {
    await using bench = new Bench();
    const { node, session } = bench.connect();
    await using _ = session;
    await node.sendBytes(bytesFromHex('054a030a01ff'));
    expect(await node.receive()).toMatchObject({ kind: 'sign-bytes', error: { code: 0 } });
    expect(bench.validator.key.taken).toEqual([]);
  });

  it("S24: refuses another chain's requests in the words of CometBFT's signer, and stays (37)", async () => {
    await using bench = new Bench();
    const { node, session } = bench.connect();
    await using _ = session;
    const chainId = 'other-chain';
    const vote = scriptedVote({ height: 1n });
    const proposal = scriptedProposal({ height: 1n });
    expect(await node.ask({ kind: 'public-key', chainId })).toEqual({
      kind: 'public-key',
      error: { code: 0, description: 'unable to provide pubkey' },
    });
    expect(
      await node.ask({ kind: 'sign-vote', chainId, vote, skipExtensionSigning: false }),
    ).toEqual({ kind: 'signed-vote', error: { code: 0, description: 'unable to sign vote' } });
    expect(await node.ask({ kind: 'sign-proposal', chainId, proposal })).toEqual({
      kind: 'signed-proposal',
      error: { code: 0, description: 'unable to sign proposal' },
    });
    expect(bench.validator.store.floor('guarded')).toMatchObject({ height: 0n });
    expect(bench.logger.named('refused a request for another chain')).toHaveLength(3);
    expect(await node.ping()).toEqual({ kind: 'ping' });
  });

  it('S23: answers a request with impossible content in its own type, and stays (38, 39, 40)', async () => {
    await using bench = new Bench();
    const { node, session } = bench.connect();
    await using _ = session;
    // A vote request without its vote, a proposal request without its proposal.
    await node.sendBytes(bytesFromHex('021a00'));
    expect(await node.receive()).toMatchObject({ kind: 'signed-vote', error: { code: 0 } });
    await node.sendBytes(bytesFromHex('022a00'));
    expect(await node.receive()).toMatchObject({ kind: 'signed-proposal', error: { code: 0 } });
    const negative = { ...scriptedVote({ height: 1n }), height: -1n };
    expect(await node.signVote(negative)).toMatchObject({
      kind: 'signed-vote',
      error: { description: expect.stringMatching(/^error signing vote: .* \[ERR_\w+\]$/) },
    });
    expect(bench.validator.key.taken).toEqual([]);
  });

  it('S23: a refusal is an answer, and the connection stays (48, 50)', async () => {
    await using bench = new Bench();
    const { node, session } = bench.connect();
    await using _ = session;
    signedVote(await node.signVote(scriptedVote({ height: 5n })));
    expect(await node.signVote(scriptedVote({ height: 5n, block: 2 }))).toMatchObject({
      error: { description: expect.stringMatching(/^error signing vote: .*ERR_CONFLICTING/) },
    });
    expect(await node.signProposal(scriptedProposal({ height: 4n }))).toMatchObject({
      kind: 'signed-proposal',
      error: { description: expect.stringMatching(/^error signing proposal: /) },
    });
    signedVote(await node.signVote(scriptedVote({ height: 5n, type: 'precommit' })));
  });

  it('a fault of the key is an answer too, and the next request may succeed', async () => {
    await using bench = new Bench();
    const { node, session } = bench.connect();
    await using _ = session;
    bench.validator.key.health = 'failing';
    const vote = scriptedVote({ height: 1n });
    expect(await node.signVote(vote)).toMatchObject({
      error: { description: expect.stringContaining('ERR_FAKE_DEVICE_FAILED') },
    });
    bench.validator.key.health = 'healthy';
    signedVote(await node.signVote(vote));
  });

  it('S21: signs the extension of every precommit for a block and of nothing else (63, 64, 65)', async () => {
    await using bench = new Bench();
    const { node, session } = bench.connect();
    await using _ = session;
    const { chainId, key } = bench.validator;
    const prevote = signedVote(await node.signVote(scriptedVote({ height: 1n })));
    expect(prevote.extensionSignature).toHaveLength(0);
    const precommit = signedVote(
      await node.signVote(scriptedVote({ height: 1n, type: 'precommit' })),
    );
    const bytes = voteExtensionSignBytes(chainId, precommit);
    expect(verifyStrict(key.publicKey, bytes, precommit.extensionSignature)).toBe(true);
    const nil = signedVote(
      await node.signVote(scriptedVote({ height: 2n, type: 'precommit', block: 0 })),
    );
    expect(nil.extensionSignature).toHaveLength(0);
    const extension = new Uint8Array([1]);
    expect(await node.signVote(scriptedVote({ height: 3n, extension }))).toMatchObject({
      error: { description: expect.stringContaining('unexpected vote extension') },
    });
  });

  it('S21: skips the extension only where v1 asks for it (69, 70)', async () => {
    await using bench = new Bench();
    const { node, session } = bench.connect();
    await using _ = session;
    const vote = scriptedVote({ height: 1n, type: 'precommit' });
    const skipped = signedVote(await node.signVote(vote, { skipExtensionSigning: true }));
    expect(skipped.extensionSignature).toHaveLength(0);
    expect(session.dialect).toBe('v1');
    expect(signedVote(await node.signVote(vote)).extensionSignature).toHaveLength(64);
  });

  it('S22: reads an extension of 1 MiB and leaves out of the answer what a node could not read (68)', async () => {
    await using bench = new Bench();
    const { node, session } = bench.connect();
    await using _ = session;
    for (const [index, bytes] of [9 * 1024, 11 * 1024, 1024 * 1024].entries()) {
      const extension = new Uint8Array(bytes).fill(3);
      const asked = scriptedVote({ height: BigInt(index + 1), type: 'precommit', extension });
      await node.send({
        kind: 'sign-vote',
        chainId: bench.validator.chainId,
        vote: asked,
        skipExtensionSigning: false,
      });
      const body = (await node.receiveBody()) ?? new Uint8Array(0);
      expect(body.length > 9 * 1024).toBe(bytes < 10_240);
      expect(body.length).toBeLessThanOrEqual(10_240);
    }
    expect(session.dialect).toBe('v0.38-or-later');
  });
});

describe('a broken stream', () => {
  it.each([
    ['a length beyond the limit', 'ffffff7f', 'ERR_FRAME_TOO_LARGE'],
    ['a length of more than 64 bits', 'ffffffffffffffffffff7f', 'ERR_BAD_FRAME_LENGTH'],
    ['a body that is no message', '03ffffff', 'ERR_MALFORMED_MESSAGE'],
  ])('with %s ends the connection and nothing else (18)', async (_title, bytes, code) => {
    await using bench = new Bench();
    const broken = bench.connect();
    const healthy = bench.connect();
    await using _ = healthy.session;
    await broken.node.sendBytes(bytesFromHex(bytes));
    const end = await broken.session.closed;
    expect(end).toMatchObject({ reason: 'broken', error: { code }, requests: 0 });
    expect(broken.signerEnd.disposed).toBe(true);
    expect(await healthy.node.ping()).toEqual({ kind: 'ping' });
    expect(bench.validator.store.floor('guarded')).toMatchObject({ height: 0n });
  });

  it('cut within a frame is told from a clean close', async () => {
    await using bench = new Bench();
    const torn = bench.connect();
    await torn.node.sendBytes(PING.subarray(0, 2));
    torn.nodeEnd.finish();
    expect(await torn.session.closed).toMatchObject({
      reason: 'broken',
      error: { code: 'ERR_TRUNCATED_FRAME' },
    });
    const clean = bench.connect();
    await clean.node.ping();
    await clean.node[Symbol.asyncDispose]();
    expect(await clean.session.closed).toMatchObject({ reason: 'node-closed', requests: 1 });
  });

  it('leaves no timer behind', async () => {
    await using bench = new Bench();
    const { node, session } = bench.connect();
    await node.ping();
    await node[Symbol.asyncDispose]();
    await session.closed;
    expect(bench.clock.pending).toBe(0);
  });
});

describe('a node that hangs up while its vote is being signed', () => {
  it.each(['close', 'reset'] as const)(
    'is noticed by its %s, and its next connection gets the signature (S7, S25, 30)',
    async (how) => {
      await using bench = new Bench();
      const { key } = bench.validator;
      const first = bench.connect();
      const vote = scriptedVote({ height: 1n });
      key.hold();
      const asked = first.node.signVote(vote).catch(() => 'no answer');
      await key.untilTaken(1);
      if (how === 'reset') first.nodeEnd.reset();
      else await first.nodeEnd[Symbol.asyncDispose]();
      expect(await first.session.closed).toMatchObject({
        reason: 'broken',
        error: { code: 'ERR_NODE_GONE' },
      });
      expect(await asked).toBe('no answer');
      key.release();

      const second = bench.connect();
      await using _ = second.session;
      const later = scriptedVote({ height: 1n, seconds: 1_800_000_000 });
      expect(signedVote(await second.node.signVote(later)).timestamp).toEqual(vote.timestamp);
    },
  );

  it('S10: does not fail the same vote of another node, and the key is asked once', async () => {
    await using bench = new Bench();
    const { key, chainId } = bench.validator;
    const left = bench.connect();
    const right = bench.connect();
    await using _ = right.session;
    key.hold();
    const asked = left.node.signVote(scriptedVote({ height: 1n })).catch(() => undefined);
    await key.untilTaken(1);
    const answer = right.node.signVote(scriptedVote({ height: 1n, seconds: 1_700_000_009 }));
    // Turns of the event loop in which the second request passes the guard and joins the first.
    for (let turn = 0; turn < 10; turn++) await bench.clock.advance(0);
    await left.nodeEnd[Symbol.asyncDispose]();
    await left.session.closed;
    await asked;
    key.release();
    const vote = signedVote(await answer);
    expect(vote.timestamp.seconds).toBe(1_700_000_000n);
    expect(verifyStrict(key.publicKey, voteSignBytes(chainId, vote), vote.signature)).toBe(true);
    expect(key.taken).toHaveLength(1);
  });

  it('a request that came early is answered in its turn, not before', async () => {
    await using bench = new Bench();
    const { key } = bench.validator;
    const { node, session } = bench.connect();
    await using _ = session;
    key.hold();
    await node.send({
      kind: 'sign-vote',
      chainId: bench.validator.chainId,
      vote: scriptedVote({ height: 1n }),
      skipExtensionSigning: false,
    });
    await key.untilTaken(1);
    await node.sendBytes(PING);
    await bench.clock.advance(0);
    key.release();
    expect((await node.receive())?.kind).toBe('signed-vote');
    expect((await node.receive())?.kind).toBe('ping');
  });
});

describe('two nodes of one validator', () => {
  it('S10: that ask for the same vote at once get the same signature and time', async () => {
    await using bench = new Bench();
    const left = bench.connect();
    const right = bench.connect();
    await using _l = left.session;
    await using _r = right.session;
    const [a, b] = await Promise.all([
      left.node.signVote(scriptedVote({ height: 1n, seconds: 1_700_000_001 })),
      right.node.signVote(scriptedVote({ height: 1n, seconds: 1_700_000_002 })),
    ]);
    expect(signedVote(a).signature).toEqual(signedVote(b).signature);
    expect(signedVote(a).timestamp).toEqual(signedVote(b).timestamp);
  });

  it('that ask for different votes at once get one signature and one refusal (59)', async () => {
    await using bench = new Bench();
    const left = bench.connect();
    const right = bench.connect();
    await using _l = left.session;
    await using _r = right.session;
    for (let height = 1n; height <= 100n; height++) {
      const answers = await Promise.all([
        left.node.signVote(scriptedVote({ height, block: 1 })),
        right.node.signVote(scriptedVote({ height, block: 2 })),
      ]);
      expect(answers.filter((answer) => 'vote' in answer)).toHaveLength(1);
    }
  });

  it('a slow vote of one does not hold up the ping of the other (34)', async () => {
    await using bench = new Bench();
    const { key } = bench.validator;
    const left = bench.connect();
    const right = bench.connect();
    await using _l = left.session;
    await using _r = right.session;
    key.hold();
    const slow = left.node.signVote(scriptedVote({ height: 1n }));
    await key.untilTaken(1);
    expect(await right.node.ping()).toEqual({ kind: 'ping' });
    key.release();
    signedVote(await slow);
  });
});

describe('silence', () => {
  it('of 10 s ends a connection in use, pings each 3.33 s keep it (31)', async () => {
    await using bench = new Bench();
    const { node, session } = bench.connect();
    for (let i = 0; i < 10; i++) {
      await node.ping();
      await bench.clock.advance(3_333);
    }
    await node.ping();
    let ended = false;
    const closed = session.closed.finally(() => {
      ended = true;
    });
    await bench.clock.advance(9_999);
    expect(ended).toBe(false);
    await bench.clock.advance(1);
    expect(await closed).toMatchObject({ reason: 'broken', error: { code: 'ERR_NODE_SILENT' } });
  });

  it('before the first request is allowed for five minutes: the node may hold the connection in reserve (3.8)', async () => {
    await using bench = new Bench();
    const { node, session } = bench.connect();
    await bench.clock.advance(299_000);
    expect(await node.ping()).toEqual({ kind: 'ping' });
    await session[Symbol.asyncDispose]();
    const parked = bench.connect();
    await bench.clock.advance(300_000);
    expect(await parked.session.closed).toMatchObject({ error: { code: 'ERR_NODE_SILENT' } });
  });

  it('while an answer is being made is the signer’s own, and counts for nothing (35)', async () => {
    await using bench = new Bench();
    const { key } = bench.validator;
    const { node, session } = bench.connect();
    await using _ = session;
    key.hold();
    const asked = node.signVote(scriptedVote({ height: 1n }));
    await key.untilTaken(1);
    await bench.clock.advance(60_000);
    key.release();
    signedVote(await asked);
    await bench.clock.advance(9_000);
    expect(await node.ping()).toEqual({ kind: 'ping' });
  });

  it('of a node that does not take its answer ends the connection after 5 s', async () => {
    await using bench = new Bench();
    const { node, session } = bench.connect({ capacityBytes: 0 });
    await node.sendBytes(PING);
    await bench.clock.advance(0);
    expect(session.requests).toBe(1);
    let ended = false;
    void session.closed.then(() => {
      ended = true;
    });
    await bench.clock.advance(4_999);
    expect(ended).toBe(false);
    await bench.clock.advance(1);
    expect(await session.closed).toMatchObject({
      reason: 'broken',
      error: { code: 'ERR_ANSWER_NOT_TAKEN' },
    });
  });
});

describe('a dispose', () => {
  it('lets the answer in flight finish, and answers nothing more', async () => {
    await using bench = new Bench();
    const { key } = bench.validator;
    const { node, session } = bench.connect();
    key.hold();
    const asked = node.signVote(scriptedVote({ height: 1n }));
    await key.untilTaken(1);
    await node.sendBytes(PING);
    const disposed = session[Symbol.asyncDispose]();
    await bench.clock.advance(100);
    key.release();
    signedVote(await asked);
    await disposed;
    expect(await session.closed).toMatchObject({ reason: 'stopped' });
    expect(await node.receive()).toBeUndefined();
    expect(bench.clock.pending).toBe(0);
  });

  it('does not wait for an answer longer than half a second', async () => {
    await using bench = new Bench();
    const { key } = bench.validator;
    const { node, session } = bench.connect();
    key.hold();
    const asked = node.signVote(scriptedVote({ height: 1n })).catch(() => 'no answer');
    await key.untilTaken(1);
    const disposed = session[Symbol.asyncDispose]();
    await bench.clock.advance(500);
    await disposed;
    expect(await asked).toBe('no answer');
    key.release();
  });

  it('of an idle session closes at once, and may be repeated', async () => {
    await using bench = new Bench();
    const { node, session } = bench.connect();
    await node.ping();
    await session[Symbol.asyncDispose]();
    await session[Symbol.asyncDispose]();
    expect(await session.closed).toMatchObject({ reason: 'stopped', requests: 1 });
  });
});

it('1,000 pairs of conflicting requests from two nodes never get two signatures at one position', async () => {
  await using bench = new Bench();
  const left = bench.connect();
  const right = bench.connect();
  await using _l = left.session;
  await using _r = right.session;
  const signatures = new Map<string, string>();
  let refused = 0;
  const keep = (answer: PrivvalResponse): void => {
    if (answer.kind !== 'signed-proposal') throw new Error(answer.kind);
    if ('error' in answer) {
      refused += 1;
      return;
    }
    const { height, round, signature } = answer.proposal;
    const at = `${height}/${round}`;
    expect(signatures.get(at) ?? hexFromBytes(signature)).toBe(hexFromBytes(signature));
    signatures.set(at, hexFromBytes(signature));
  };
  for (let height = 1n; height <= 1_000n; height++) {
    const answers = await Promise.all([
      left.node.signProposal(scriptedProposal({ height, block: 1 })),
      right.node.signProposal(scriptedProposal({ height, block: 2 })),
    ]);
    for (const answer of answers) keep(answer);
  }
  expect(signatures.size).toBe(1_000);
  expect(refused).toBe(1_000);
});

it('however requests are cut and mixed, each gets exactly one answer of its own type, in order', async () => {
  await using bench = new Bench();
  const { chainId } = bench.validator;
  const random = new SeededRandom(20_260_101);
  const { node, session } = bench.connect({ fragmentBytes: () => 1 + random.below(40) });
  await using _ = session;
  const height = (): bigint => BigInt(random.below(50));
  type Kind = readonly [kind: PrivvalResponse['kind'], body: () => Uint8Array];
  const kinds: [Kind, ...Kind[]] = [
    ['ping', () => encodeRequest({ kind: 'ping' })],
    ['public-key', () => encodeRequest({ kind: 'public-key', chainId })],
    ['public-key', () => encodeRequest({ kind: 'public-key', chainId: 'other' })],
    ['signed-vote', () => encodeVote(chainId, height())],
    ['signed-vote', () => encodeVote('other', height())],
    ['signed-vote', () => bytesFromHex('1a00')],
    ['sign-bytes', () => bytesFromHex('4a030a01ff')],
    ['empty', () => bytesFromHex('')],
    ['empty', () => bytesFromHex('52021a00')],
  ];
  for (let burst = 0; burst < 100; burst++) {
    const chosen = Array.from({ length: 1 + random.below(5) }, () => random.pick(kinds));
    await node.sendBytes(concatBytes(...chosen.map(([, body]) => encodeFrame(body()))));
    for (const [kind] of chosen) expect((await node.receive())?.kind).toBe(kind);
  }
});

function encodeVote(chainId: string, height: bigint): Uint8Array {
  const vote = scriptedVote({ height });
  return encodeRequest({ kind: 'sign-vote', chainId, vote, skipExtensionSigning: false });
}
